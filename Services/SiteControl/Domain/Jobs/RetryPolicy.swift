/// What becomes of a job after a failed attempt.
public struct RetryPolicy: Hashable, Sendable {
    /// Waiting times after the first, second, … attempt; the last one stands for all later ones.
    public let waits: [Duration]

    /// - Parameter waits: not empty.
    public init(waits: [Duration]) { self.waits = waits }

    public enum Decision: Hashable, Sendable {
        case retry(after: Duration)
        case giveUp
    }

    /// - Parameters:
    ///   - attempt: executions begun so far, the failed one included.
    ///   - maxAttempts: executions in all.
    public func decide(_ code: JobErrorCode, attempt: Int, maxAttempts: Int) -> Decision {
        guard code.isRetryable, attempt < maxAttempts else { return .giveUp }
        return .retry(after: wait(after: attempt))
    }

    public func wait(after attempt: Int) -> Duration {
        guard !waits.isEmpty else { return .zero }
        return waits[min(max(attempt, 1), waits.count) - 1]
    }
}
