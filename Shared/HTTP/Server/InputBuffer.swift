import Glibc

/// Received bytes of one connection that nobody has taken yet, in memory borrowed from the shard only while there are any.
struct InputBuffer {
    private var memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
    private var pool: BufferPool?
    private var start = 0
    private var end = 0

    var isEmpty: Bool { start == end }
    var count: Int { end &- start }

    /// Valid until bytes are added or the memory is given back; taking bytes does not touch it.
    var unread: UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(memory)[start..<end])
    }

    mutating func take(_ count: Int) {
        precondition(count >= 0 && count <= self.count)
        start &+= count
    }

    /// Free space behind the bytes, at least one byte while less than `windows.pieceBytes` are held; empty when that much is.
    ///
    /// - Parameter wantsWindow: take a piece of the larger pool, for bodies.
    mutating func room(_ pieces: BufferPool, _ windows: BufferPool, wantsWindow: Bool) -> UnsafeMutableRawBufferPointer {
        if start == end {
            start = 0
            end = 0
            if let pool, wantsWindow, pool === pieces { giveBack() }
        }
        if pool == nil {
            pool = wantsWindow ? windows : pieces
            memory = (wantsWindow ? windows : pieces).borrow()
        } else if end == memory.count {
            if start > 0 {
                compact(into: memory)
            } else if let pool, pool !== windows {
                let larger = windows.borrow()
                compact(into: larger)
                pool.giveBack(memory)
                memory = larger
                self.pool = windows
            }
        }
        return UnsafeMutableRawBufferPointer(rebasing: memory[end...])
    }

    /// Counts bytes that were read into ``room(_:_:wantsWindow:)``.
    mutating func added(_ count: Int) {
        precondition(count >= 0 && count <= memory.count - end)
        end &+= count
    }

    /// Drops what is left and returns the memory.
    mutating func giveBack() {
        pool?.giveBack(memory)
        pool = nil
        memory = UnsafeMutableRawBufferPointer(start: nil, count: 0)
        start = 0
        end = 0
    }

    private mutating func compact(into target: UnsafeMutableRawBufferPointer) {
        let held = count
        if held > 0, let from = memory.baseAddress, let to = target.baseAddress { memmove(to, from + start, held) }
        start = 0
        end = held
    }
}
