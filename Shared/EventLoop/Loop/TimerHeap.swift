/// Names a timer of one loop. Worthless on another loop.
public struct TimerID: Hashable, Sendable {
    let value: UInt64
}

/// What happens when a timer is due: a closure, or a sleeping task that goes on.
enum TimerAction {
    case call(() -> Void)
    case resume(UnsafeContinuation<Void, any Error>)
}

/// A binary heap of deadlines. A cancelled timer leaves its heap entry behind until the heap is mostly dead, then all are swept at once.
struct TimerHeap {
    private struct Entry {
        let deadline: MonotonicTime
        let id: UInt64
    }

    private var heap: [Entry] = []
    private var live: [UInt64: TimerAction] = [:]
    private var lastID: UInt64 = 0

    var count: Int { live.count }

    /// The earliest entry, dead or alive: waking for a dead one is harmless.
    var nextDeadline: MonotonicTime? { heap.first?.deadline }

    mutating func makeID() -> TimerID {
        lastID &+= 1
        return TimerID(value: lastID)
    }

    mutating func add(_ id: TimerID, at deadline: MonotonicTime, _ action: TimerAction) {
        live[id.value] = action
        heap.append(Entry(deadline: deadline, id: id.value))
        siftUp(from: heap.count - 1)
    }

    mutating func remove(_ id: TimerID) -> TimerAction? {
        guard let action = live.removeValue(forKey: id.value) else { return nil }
        if heap.count > 64, live.count < heap.count / 4 { sweep() }
        return action
    }

    /// Takes the next action that is due at `now`; nil when none is.
    mutating func takeDue(at now: MonotonicTime) -> TimerAction? {
        while let first = heap.first, first.deadline <= now {
            removeFirst()
            if let action = live.removeValue(forKey: first.id) { return action }
        }
        return nil
    }

    private mutating func sweep() {
        let kept = heap.filter { live[$0.id] != nil }
        heap.removeAll(keepingCapacity: false)
        for entry in kept {
            heap.append(entry)
            siftUp(from: heap.count - 1)
        }
    }

    private mutating func removeFirst() {
        let last = heap.removeLast()
        guard !heap.isEmpty else { return }
        heap[0] = last
        var parent = 0
        while true {
            var smallest = parent
            let left = 2 * parent + 1
            if left < heap.count, heap[left].deadline < heap[smallest].deadline { smallest = left }
            if left + 1 < heap.count, heap[left + 1].deadline < heap[smallest].deadline { smallest = left + 1 }
            if smallest == parent { return }
            heap.swapAt(parent, smallest)
            parent = smallest
        }
    }

    private mutating func siftUp(from start: Int) {
        var child = start
        while child > 0 {
            let parent = (child - 1) / 2
            if heap[parent].deadline <= heap[child].deadline { return }
            heap.swapAt(parent, child)
            child = parent
        }
    }
}
