import Testing

@testable import DeploymentControlDomain

/// Archives as small as they can be, member by member.
struct ZipParts {
    var localSignature: [UInt8] = [0x50, 0x4B, 0x03, 0x04]
    var content = [UInt8](repeating: 7, count: 40)
    var directory = [UInt8](repeating: 1, count: 46)
    var locator: [UInt8] = []
    var entries = 1
    var directoryBytes: Int?
    var directoryOffset: Int?
    var comment: [UInt8] = []
    var commentLength: Int?

    var bytes: [UInt8] {
        let front = localSignature + content
        var end: [UInt8] = [0x50, 0x4B, 0x05, 0x06, 0, 0, 0, 0]
        end += little(entries, 2) + little(entries, 2)
        end += little(directoryBytes ?? directory.count, 4) + little(directoryOffset ?? front.count, 4)
        end += little(commentLength ?? comment.count, 2)
        return front + directory + locator + end + comment
    }

    private func little(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
}

@Suite struct BuildArchiveFormTests {
    private func isZip(_ bytes: [UInt8]) -> Bool {
        ZipEnding.isArchive(
            head: Array(bytes.prefix(ZipEnding.headBytes)), tail: Array(bytes.suffix(ZipEnding.tailBytes)), size: Int64(bytes.count))
    }

    private func zip(_ change: (inout ZipParts) -> Void = { _ in }) -> Bool {
        var parts = ZipParts()
        change(&parts)
        return isZip(parts.bytes)
    }

    @Test("a zip archive is told by both its ends")
    func zips() {
        #expect(zip())
        #expect(zip { $0.comment = Array("a comment".utf8) })
        #expect(zip { $0.comment = [UInt8](repeating: 0x20, count: 65_535) })
        #expect(zip { $0.comment = [0x50, 0x4B, 0x05, 0x06] + [UInt8](repeating: 0, count: 30) }, "a signature in the comment")
    }

    @Test("what is no archive with an entry is no zip")
    func noZips() {
        #expect(!zip { $0.localSignature = [0x50, 0x4B, 0x05, 0x06] })
        #expect(!zip { $0.localSignature = [0x50, 0x4B, 0x07, 0x08] })
        #expect(!zip { $0.localSignature = [0x1F, 0x8B, 0x08, 0x00] })
        #expect(!zip { $0.entries = 0 })
        #expect(!zip { $0.commentLength = 1 })
        #expect(!zip { $0.comment = [1]; $0.commentLength = 0 })
        #expect(!zip { $0.directoryOffset = 45 }, "the directory reaches into the end record")
        #expect(!zip { $0.directoryBytes = 0x7FFF_FFFF })
        #expect(!isZip(Array(ZipParts().bytes.dropLast())))
        #expect(!isZip([]))
        #expect(!isZip([0x50, 0x4B, 0x03, 0x04]))
        #expect(!isZip([0x50, 0x4B, 0x03, 0x04] + [UInt8](repeating: 0, count: 100_000)))
    }

    @Test("fields of all ones need the locator of zip64 before the end record")
    func zip64() {
        let locator: [UInt8] = [0x50, 0x4B, 0x06, 0x07] + [UInt8](repeating: 0, count: 16)
        #expect(zip { $0.entries = 0xFFFF; $0.directoryBytes = 0xFFFF_FFFF; $0.directoryOffset = 0xFFFF_FFFF; $0.locator = locator })
        #expect(zip { $0.directoryOffset = 0xFFFF_FFFF; $0.locator = locator; $0.comment = [UInt8](repeating: 0, count: 65_535) })
        #expect(!zip { $0.entries = 0xFFFF })
        #expect(!zip { $0.directoryOffset = 0xFFFF_FFFF; $0.locator = locator + [0] })
        #expect(!zip { $0.directoryBytes = 0xFFFF_FFFF; $0.locator = [UInt8](repeating: 0, count: 20) })
    }

    @Test("cut anywhere, a zip archive is none", arguments: 0..<20)
    func cut(seed: UInt64) {
        let bytes = ZipParts().bytes
        let length = Int((seed &* 2_654_435_761) % UInt64(bytes.count))
        #expect(!isZip(Array(bytes.prefix(length))), "seed \(seed)")
    }

    static func tarBlock(magic: String = "ustar", sum: Int? = nil, tail: [UInt8] = [0, 0x20]) -> [UInt8] {
        var block = [UInt8](repeating: 0, count: 512)
        block.replaceSubrange(0..<4, with: Array("file".utf8))
        block.replaceSubrange(257..<(257 + magic.utf8.count), with: Array(magic.utf8))
        for place in 148..<156 { block[place] = 0x20 }
        let told = sum ?? block.reduce(0) { $0 + Int($1) }
        let digits = Array(String(told, radix: 8).utf8)
        block.replaceSubrange(148..<156, with: [UInt8](repeating: 0x30, count: 6 - digits.count) + digits + tail)
        return block
    }

    @Test("a tar archive is told by its first block")
    func tars() {
        #expect(TarBeginning.isArchive(Self.tarBlock()))
        #expect(TarBeginning.isArchive(Self.tarBlock(tail: [0x20, 0])))
        #expect(!TarBeginning.isArchive(Self.tarBlock(magic: "ustax")))
        #expect(!TarBeginning.isArchive(Self.tarBlock(sum: 1)))
        #expect(!TarBeginning.isArchive(Self.tarBlock(tail: [0x39, 0])))
        #expect(!TarBeginning.isArchive([UInt8](repeating: 0, count: 512)))
        #expect(!TarBeginning.isArchive(Array(Self.tarBlock().dropLast())))
        #expect(!TarBeginning.isArchive([]))
    }

    @Test("a gzip stream is told by its header, reserved flags clear")
    func gzips() {
        #expect(GzipBeginning.isStream([0x1F, 0x8B, 0x08, 0x00, 9]))
        #expect(GzipBeginning.isStream([0x1F, 0x8B, 0x08, 0x1F]))
        for bad in [[], [0x1F, 0x8B, 0x08], [0x1F, 0x8B, 0x07, 0], [0x1F, 0x8B, 0x08, 0x20], [0x1F, 0x8B, 0x08, 0x80], [0x1F, 0x8C, 0x08, 0]] as [[UInt8]] {
            #expect(!GzipBeginning.isStream(bad))
        }
    }
}
