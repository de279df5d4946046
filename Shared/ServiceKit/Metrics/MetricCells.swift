import EventLoop
import Synchronization

/// Numbers that each loop counts in cache lines of its own, so that counting never contends.
///
/// Additions are relaxed and atomic; a reader sums the slots and may see one loop's additions before another's.
final class MetricCells: @unchecked Sendable {
    // @unchecked: the pointer is constant and every cell behind it is atomic.
    private let cells: UnsafeMutablePointer<Atomic<Int>>
    private let slots: Int
    private let stride: Int
    let count: Int

    /// - Parameters:
    ///   - count: numbers kept.
    ///   - slots: one for each loop and one for everyone else.
    init(count: Int, slots: Int) {
        self.count = count
        self.slots = slots
        stride = (count + 7) / 8 * 8
        let bytes = MemoryLayout<Atomic<Int>>.stride * stride * slots
        let memory = UnsafeMutableRawPointer.allocate(byteCount: bytes, alignment: 64)
        cells = memory.bindMemory(to: Atomic<Int>.self, capacity: stride * slots)
        for index in 0..<stride * slots { (cells + index).initialize(to: Atomic(0)) }
    }

    deinit {
        for index in 0..<stride * slots { (cells + index).deinitialize(count: 1) }
        UnsafeMutableRawPointer(cells).deallocate()
    }

    /// The slot of the current thread: that of its loop, or the last.
    @inline(__always)
    static func slot(of slots: Int) -> Int {
        guard let loop = Loop.current, loop.index < slots - 1 else { return slots - 1 }
        return loop.index
    }

    @inline(__always)
    func add(_ amount: Int, to cell: Int) {
        cells[Self.slot(of: slots) * stride + cell].wrappingAdd(amount, ordering: .relaxed)
    }

    /// Adds to two cells of the current slot.
    @inline(__always)
    func add(_ first: Int, to firstCell: Int, _ second: Int, to secondCell: Int) {
        let base = Self.slot(of: slots) * stride
        cells[base + firstCell].wrappingAdd(first, ordering: .relaxed)
        cells[base + secondCell].wrappingAdd(second, ordering: .relaxed)
    }

    func total(_ cell: Int) -> Int {
        var sum = 0
        for slot in 0..<slots { sum &+= cells[slot * stride + cell].load(ordering: .relaxed) }
        return sum
    }
}
