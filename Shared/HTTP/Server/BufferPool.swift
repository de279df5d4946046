/// Equal pieces of raw memory that the connections of one loop borrow while they have bytes in flight, so that idle ones hold none.
/// Touched by its loop's thread only.
final class BufferPool {
    let pieceBytes: Int
    /// Pieces kept for reuse; further ones go back to the allocator.
    private let kept: Int
    private var free: [UnsafeMutableRawPointer] = []
    /// Pieces that are out at present.
    private(set) var borrowed = 0

    init(pieceBytes: Int, kept: Int) {
        self.pieceBytes = pieceBytes
        self.kept = kept
        free.reserveCapacity(kept)
    }

    deinit { for piece in free { piece.deallocate() } }

    /// Uninitialised memory, to be given back to this pool.
    func borrow() -> UnsafeMutableRawBufferPointer {
        borrowed &+= 1
        let piece = free.popLast() ?? .allocate(byteCount: pieceBytes, alignment: 16)
        return UnsafeMutableRawBufferPointer(start: piece, count: pieceBytes)
    }

    func giveBack(_ piece: UnsafeMutableRawBufferPointer) {
        guard let base = piece.baseAddress else { return }
        borrowed &-= 1
        if free.count < kept { free.append(base) } else { base.deallocate() }
    }
}
