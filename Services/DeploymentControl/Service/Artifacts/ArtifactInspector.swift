import Compression
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
    private let inflater = GzipInflater()
    private var isOpen = true

    func feed(_ piece: UnsafeRawBufferPointer) {
        guard isOpen, !piece.isEmpty else { return }
        let wanted = TarBeginning.blockBytes - bytes.count
        var state = GzipInflater.State.open
        bytes += [UInt8](unsafeUninitializedCapacity: wanted) { room, count in
            let step = inflater.step(piece, into: UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(room)[..<wanted]))
            state = step.state
            count = step.produced
        }
        if bytes.count == TarBeginning.blockBytes || state != .open { isOpen = false }
    }
}
