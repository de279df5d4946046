/// Pauses between attempts: doubled at each failure, with jitter so that many do not come back at once.
struct Backoff {
    private let first: Duration
    private let longest: Duration
    private var failures = 0

    init(first: Duration, longest: Duration) {
        self.first = first
        self.longest = longest
    }

    /// The pause after one more failure: between half and all of the step.
    mutating func next() -> Duration {
        let step = min(longest, first * (1 << min(failures, 20)))
        failures += 1
        return step * Double.random(in: 0.5...1)
    }

    mutating func reset() { failures = 0 }
}
