import EventLoop
import Synchronization

/// A count that only grows.
public final class Counter: Sendable {
    private let cells: MetricCells

    init(slots: Int) { cells = MetricCells(count: 1, slots: slots) }

    public func add(_ amount: Int = 1) { cells.add(amount, to: 0) }

    public var value: Int { cells.total(0) }
}

/// A number that rises and falls.
public final class Gauge: Sendable {
    private let cells: MetricCells
    private let base = Atomic<Int>(0)

    init(slots: Int) { cells = MetricCells(count: 1, slots: slots) }

    /// Adds, on whichever thread; what one loop adds another may take away.
    public func add(_ amount: Int) { cells.add(amount, to: 0) }

    /// Sets the number. Not to be mixed with `add` from other threads.
    public func set(_ value: Int) { base.store(value &- cells.total(0), ordering: .relaxed) }

    public var value: Int { base.load(ordering: .relaxed) &+ cells.total(0) }
}

/// A distribution of durations over fixed buckets.
public final class Histogram: Sendable {
    /// Upper bounds in seconds for requests: 0.5 ms to 10 s.
    public static let requestBounds: [Duration] = [
        .microseconds(500), .milliseconds(1), .microseconds(2500), .milliseconds(5), .milliseconds(10),
        .milliseconds(25), .milliseconds(50), .milliseconds(100), .milliseconds(250), .milliseconds(500), .seconds(1),
        .microseconds(2_500_000), .seconds(5), .seconds(10),
    ]

    let bounds: [Duration]
    private let nanoseconds: [Int64]
    /// One cell for each bucket, one past the last bound, and the sum in nanoseconds.
    private let cells: MetricCells

    init(bounds: [Duration], slots: Int) {
        precondition(zip(bounds, bounds.dropFirst()).allSatisfy { $0 < $1 }, "bounds rise")
        self.bounds = bounds
        nanoseconds = bounds.map(\.wholeNanoseconds)
        cells = MetricCells(count: bounds.count + 2, slots: slots)
    }

    public func record(_ duration: Duration) {
        let value = max(0, duration.wholeNanoseconds)
        var bucket = 0
        while bucket < nanoseconds.count, value > nanoseconds[bucket] { bucket += 1 }
        cells.add(1, to: bucket, Int(value), to: nanoseconds.count + 1)
    }

    /// Counts per bucket, not yet cumulative, and the sum in seconds.
    func read() -> (counts: [Int], sum: Double) {
        ((0...bounds.count).map { cells.total($0) }, Double(cells.total(bounds.count + 1)) / 1e9)
    }
}
