import Synchronization

/// What a loop tells about itself, readable from any thread.
public struct LoopStatistics: Sendable {
    /// Wake-ups since the start.
    public let ticks: UInt64
    /// Jobs run since the start.
    public let jobs: UInt64
    /// The longest time since the last reading during which the loop looked at no descriptor.
    public let longestTick: Duration
}

/// Written by one loop, read by anyone: plain relaxed stores, no contention.
final class LoopCounters: Sendable {
    private let ticks = Atomic<UInt64>(0)
    private let jobs = Atomic<UInt64>(0)
    private let longestTick = Atomic<UInt64>(0)

    func tickEnded(began: MonotonicTime, jobs count: Int) {
        ticks.store(ticks.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
        jobs.store(jobs.load(ordering: .relaxed) &+ UInt64(count), ordering: .relaxed)
        let spent = MonotonicTime.now().nanoseconds &- began.nanoseconds
        if spent > longestTick.load(ordering: .relaxed) { longestTick.store(spent, ordering: .relaxed) }
    }

    func read() -> LoopStatistics {
        LoopStatistics(
            ticks: ticks.load(ordering: .relaxed), jobs: jobs.load(ordering: .relaxed),
            longestTick: .nanoseconds(Int64(truncatingIfNeeded: longestTick.exchange(0, ordering: .relaxed))))
    }
}

extension Loop {
    /// From any thread; reading resets the longest tick.
    public func readStatistics() -> LoopStatistics { statistics.read() }
}
