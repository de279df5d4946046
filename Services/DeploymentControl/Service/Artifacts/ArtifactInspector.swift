import CZlib
import DeploymentControlDomain

/// Finds out while an artifact streams by whether it is of its declared type (reference 6.6). Looks at the first and last
/// bytes only, decompresses at most one block of 512 bytes, extracts nothing. Memory is bounded.
final class ArtifactInspector {
    private let type: ArtifactType
    private var size: Int64 = 0
    private var head: [UInt8] = []
    /// Of a zip archive: its end, and up to as much again before it.
    private var tail: [UInt8] = []
    private var tarBlock: FirstBlock?

    init(type: ArtifactType) {
        self.type = type
        switch type {
        case .zip: tail.reserveCapacity(2 * ZipEnding.tailBytes)
        case .tarGzip: tarBlock = FirstBlock()
        }
    }

    func feed(_ bytes: UnsafeRawBufferPointer) {
        size &+= Int64(bytes.count)
        if head.count < GzipBeginning.headBytes { head += bytes.prefix(GzipBeginning.headBytes - head.count) }
        switch type {
        case .zip: keepTail(bytes)
        case .tarGzip: tarBlock?.feed(bytes)
        }
    }

    /// After the last byte.
    var isOfType: Bool {
        guard size >= type.sizeMin else { return false }
        switch type {
        case .zip: return ZipEnding.isArchive(head: head, tail: tail.suffix(ZipEnding.tailBytes), size: size)
        case .tarGzip: return GzipBeginning.isStream(head) && tarBlock.map { TarBeginning.isArchive($0.bytes) } == true
        }
    }

    private func keepTail(_ bytes: UnsafeRawBufferPointer) {
        let kept = UnsafeRawBufferPointer(rebasing: bytes.suffix(ZipEnding.tailBytes))
        if tail.count + kept.count > 2 * ZipEnding.tailBytes {
            tail.removeFirst(max(0, tail.count - (ZipEnding.tailBytes - kept.count)))
        }
        tail += kept
    }
}

/// The first 512 bytes of what a gzip stream holds. Stops decompressing there.
private final class FirstBlock {
    private(set) var bytes: [UInt8] = []
    private var stream = z_stream()
    private var isOpen: Bool

    /// Window of 32 KiB; 16 selects gzip framing (zlib.h, inflateInit2).
    private static let gzipWindowBits: Int32 = 15 + 16

    init() {
        isOpen = inflateInit2_(&stream, Self.gzipWindowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    }

    deinit { close() }

    func feed(_ piece: UnsafeRawBufferPointer) {
        guard isOpen, !piece.isEmpty else { return }
        // zlib only reads through next_in, whatever its type says.
        stream.next_in = UnsafeMutablePointer(mutating: piece.assumingMemoryBound(to: UInt8.self).baseAddress)
        stream.avail_in = UInt32(clamping: piece.count)
        let wanted = TarBeginning.blockBytes - bytes.count
        var status = Z_OK
        let made = [UInt8](unsafeUninitializedCapacity: wanted) { room, count in
            stream.next_out = room.baseAddress
            stream.avail_out = UInt32(wanted)
            status = inflate(&stream, Z_NO_FLUSH)
            count = wanted - Int(stream.avail_out)
        }
        stream.next_in = nil
        stream.next_out = nil
        bytes += made
        if bytes.count == TarBeginning.blockBytes || (status != Z_OK && status != Z_BUF_ERROR) { close() }
    }

    private func close() {
        if isOpen { inflateEnd(&stream) }
        isOpen = false
    }
}
