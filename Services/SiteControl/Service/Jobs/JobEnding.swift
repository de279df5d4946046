import SiteControlDomain

/// What becomes of a running job.
enum JobEnding: Sendable {
    case succeeded(JobResult)
    case failed(JobErrorCode, message: String)
    /// Back to the queue, due again after the pause.
    case retried(JobErrorCode, message: String, after: Duration)
    case cancelled
    /// Back to the queue at once, as if this run had not begun: its worker was told to stop.
    case handedBack

    /// Why a run was told to stop.
    enum StopReason: Sendable, Hashable {
        case cancelRequested
        case shutdown
        /// It took longer than its executor was to allow.
        case overran
        /// The lease could not be renewed: someone else may be running the job.
        case leaseLost
    }

    /// - Returns: nil where the outcome must be dropped.
    init?(_ outcome: AttemptOutcome, attempt: Int, maxAttempts: Int, stop: StopReason?, timings: JobTimings) {
        if stop == .leaseLost { return nil }
        switch (outcome, stop) {
        case (.succeeded(let result), _):
            // It came before the stop.
            self = .succeeded(result)
        case (.failed(let code, _), .cancelRequested) where code.isRetryable: self = .cancelled
        case (.failed(let code, let message), _):
            self = Self.failure(code, message, attempt: attempt, maxAttempts: maxAttempts, timings: timings)
        case (.stopped, .cancelRequested): self = .cancelled
        case (.stopped, .shutdown): self = .handedBack
        case (.stopped, .overran):
            self = .failed(.jobTimeout, message: "the attempt did not end within its time limit and was stopped")
        case (.stopped, _):
            self = Self.failure(
                .workerLost, "the attempt stopped by itself", attempt: attempt, maxAttempts: maxAttempts, timings: timings)
        }
    }

    /// What follows a failed run: another one later, or the end.
    static func failure(
        _ code: JobErrorCode, _ message: String, attempt: Int, maxAttempts: Int, timings: JobTimings
    ) -> JobEnding {
        switch timings.retries.decide(code, attempt: attempt, maxAttempts: maxAttempts) {
        case .retry(let pause): .retried(code, message: message, after: pause)
        case .giveUp: .failed(code, message: message)
        }
    }

    /// For metrics and log.
    var name: String {
        switch self {
        case .succeeded: "succeeded"
        case .failed: "failed"
        case .retried: "retried"
        case .cancelled: "cancelled"
        case .handedBack: "handed_back"
        }
    }
}
