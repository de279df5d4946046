import Foundation
import TestSupport
import Testing

@testable import ValidationDecision

/// Makes archives with the system's tar and gzip, so that the check is held against what people really send.
private func makeArchive(_ script: String) throws -> [UInt8] {
    let directory = FileManager.default.temporaryDirectory.appendingPathComponent("trivet-archive-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
    defer { try? FileManager.default.removeItem(at: directory) }
    let process = Process()
    process.executableURL = URL(fileURLWithPath: "/bin/bash")
    process.arguments = ["-euc", script]
    process.currentDirectoryURL = directory
    try process.run()
    process.waitUntilExit()
    try #require(process.terminationStatus == 0)
    return [UInt8](try Data(contentsOf: directory.appendingPathComponent("out.tar.gz")))
}

private func check(_ bytes: [UInt8], limits: ArchiveLimits = ArchiveLimits(), pieces: [Int] = []) -> ArchiveProblem? {
    let checker = ArchiveChecker(limits: limits)
    do throws(ArchiveProblem) {
        var rest = bytes[...]
        for size in pieces where size < rest.count {
            try feed(checker, rest.prefix(size))
            rest = rest.dropFirst(size)
        }
        try feed(checker, rest)
        try checker.finish()
        return nil
    } catch {
        return error
    }
}

private func feed(_ checker: ArchiveChecker, _ bytes: ArraySlice<UInt8>) throws(ArchiveProblem) {
    let result: Result<Void, ArchiveProblem> = bytes.withUnsafeBytes { raw in
        do throws(ArchiveProblem) {
            try checker.feed(raw)
            return .success(())
        } catch {
            return .failure(error)
        }
    }
    try result.get()
}

private let tree = """
    mkdir -p d/empty; seq 1 2000 > d/numbers; head -c 100000 /dev/urandom > d/random; ln -s numbers d/link
    ln d/numbers d/hard; mkfifo d/pipe; touch "d/$(printf 'n%.0s' $(seq 1 180))"; truncate -s 3M d/sparse; echo x >> d/sparse
    """

@Suite struct ArchiveCheckerTests {
    @Test("archives of every common format pass", arguments: ["gnu", "ustar", "pax", "oldgnu", "v7"])
    func formats(format: String) throws {
        let names = format == "v7" ? "d/numbers d/random" : format == "ustar" ? "d/numbers d/empty d/link d/hard" : "d"
        let bytes = try makeArchive("\(tree); tar --format=\(format) -czf out.tar.gz \(names)")
        #expect(check(bytes) == nil)
    }

    @Test("sparse archives pass", arguments: ["gnu", "pax"])
    func sparse(format: String) throws {
        let bytes = try makeArchive(
            "for i in $(seq 1 60); do echo $i | dd of=s bs=1 seek=$((i*100000)) conv=notrunc status=none; done; tar --format=\(format) -S -czf out.tar.gz s")
        #expect(check(bytes) == nil)
    }

    @Test("a size beyond the octal field is understood")
    func largeSize() throws {
        // 9 GiB of sparse file: the header's number is base-256 (gnu) or in a pax record; the data is never unpacked to disk.
        for format in ["gnu", "pax"] {
            let bytes = try makeArchive("truncate -s 9G big; tar --format=\(format) -S -czf out.tar.gz big")
            #expect(check(bytes) == nil)
        }
    }

    @Test("an empty archive and several gzip members pass")
    func edges() throws {
        #expect(check(try makeArchive("tar -czf out.tar.gz -T /dev/null")) == nil)
        #expect(
            check(try makeArchive("\(tree); tar -cf o d; split -b 70000 o p; for f in p*; do gzip -c $f; done > out.tar.gz")) == nil)
    }

    @Test("the verdict does not depend on how the bytes are cut", arguments: 0..<20 as Range<UInt64>)
    func cuts(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let bytes = try makeArchive("\(tree); tar -czf out.tar.gz d")
        let pieces = (0..<200).map { _ in Int.random(in: 1...1500, using: &random) }
        #expect(check(bytes, pieces: pieces) == nil, "seed \(seed)")
        let broken = Array(bytes.dropLast(Int.random(in: 1...bytes.count - 1, using: &random)))
        #expect(check(broken, pieces: pieces) == check(broken), "seed \(seed)")
    }

    @Test("an archive cut short anywhere is refused")
    func truncated() throws {
        let bytes = try makeArchive("seq 1 500 > n; tar -czf out.tar.gz n")
        for length in 0..<bytes.count { #expect(check(Array(bytes.prefix(length))) != nil, "\(length) bytes") }
    }

    @Test("what is no gzip, no tar, or has a wrong checksum is refused with its reason")
    func refused() throws {
        #expect(check(Array("hello, this is not an archive".utf8)) == .notGzip("incorrect header check"))
        #expect(check([]) == .truncatedGzip)
        #expect(check(try makeArchive("seq 1 5000 | gzip > out.tar.gz")) == .badTarHeader(offset: 0))
        var flipped = try makeArchive("head -c 5000 /dev/urandom > n; tar -czf out.tar.gz n")
        flipped[flipped.count - 6] ^= 0x40
        #expect(check(flipped) == .notGzip("incorrect data check"))
        #expect(
            check(try makeArchive("seq 9 > n; (tar -cf - n; echo junk) | gzip > out.tar.gz")) == .trailingData)
        #expect(check(try makeArchive("seq 9 > n; tar -cf o n; head -c 1024 o | gzip > out.tar.gz")) == .truncatedTar)
        #expect(check(try makeArchive("seq 9 > n; tar -czf out.tar.gz n; echo junk >> out.tar.gz")) != nil)
    }

    @Test("a bomb is stopped, and so are too many entries")
    func bombs() throws {
        let bomb = try makeArchive("head -c 200M /dev/zero > z; tar -czf out.tar.gz z")
        #expect(check(bomb) == .expandsTooFar(ratio: 256))
        var limits = ArchiveLimits()
        limits.entriesMax = 10
        #expect(
            check(try makeArchive("for i in $(seq 20); do echo > f$i; done; tar -czf out.tar.gz f*"), limits: limits)
                == .tooManyEntries(limit: 10))
    }

    @Test("random bytes after a valid gzip frame never crash the scanner", arguments: 0..<200 as Range<UInt64>)
    func mutations(seed: UInt64) throws {
        var random = SeededRandom(seed)
        var scanner = TarScanner(limits: ArchiveLimits())
        var block = (0..<4096).map { _ in UInt8.random(in: 0...255, using: &random) }
        // Make the first checksum right, so that the fields behind it are read.
        var sum = 8 * 32
        for position in 0..<512 where !(148..<156).contains(position) { sum += Int(block[position]) }
        let digits = Array(String(sum, radix: 8).utf8)
        for position in 148..<156 { block[position] = 0 }
        for (position, digit) in digits.enumerated() { block[148 + position] = digit }
        _ = try? block.withUnsafeBytes { try scanner.feed($0) }
    }
}
