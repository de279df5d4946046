import EventLoop
import SiteControlDomain

/// The numbers of the job engine, and how they relate.
package struct JobTimings: Sendable {
    /// Longest time of one attempt (`TRIVET_JOB_TIMEOUT_SECONDS`).
    package var timeout: Duration = .seconds(1800)
    /// Executions in all (`TRIVET_JOB_MAX_ATTEMPTS`): for jobs that the engine itself inserts.
    package var maxAttempts = 3
    /// Pause after the first, second, … failed attempt (`TRIVET_JOB_BACKOFF_SECONDS`).
    package var backoff: [Duration] = [.seconds(60), .seconds(300), .seconds(900)]
    /// How long a running job belongs to its worker without a renewal (`TRIVET_JOB_LEASE_SECONDS`).
    package var lease: Duration = .seconds(30)
    /// Between two looks for leases that have run out (`TRIVET_JOB_REAPER_SECONDS`).
    package var reaperInterval: Duration = .seconds(10)
    /// Longest time between two looks at the queue (`TRIVET_JOB_POLL_INTERVAL_MS`); a notification wakes a worker at once.
    package var pollInterval: Duration = .seconds(2)
    /// Between two rounds of recurring work (`TRIVET_SCHEDULER_SECONDS`).
    package var schedulerInterval: Duration = .seconds(21_600)
    /// What running attempts are given when the process is told to stop (`TRIVET_SHUTDOWN_GRACE_MS`).
    package var shutdownGrace: Duration = .seconds(10)

    /// From TERM to KILL: what a child that is stopped may still take.
    package var childGrace: Duration = .seconds(10)
    /// How long past its time limit an attempt may take to return before it is stopped from outside.
    package var overrunMargin: Duration = .seconds(30)
    /// Longest time between two writes of an attempt's progress.
    package var progressInterval: Duration = .milliseconds(250)
    /// Jobs taken in one claim.
    package var claimBatchMax = 32

    package init() {}

    /// Between two renewals.
    var renewInterval: Duration { lease / 3 }
    /// Pause after a renewal that failed.
    var renewRetry: Duration { min(.seconds(1), lease / 10) }
    /// An attempt whose lease ends within this time is stopped: its child is gone before another worker may begin.
    var stopMargin: Duration { min(childGrace, lease / 3) }
    /// What the engine needs to stop: the grace, the end of the children, and the last transactions.
    package var stopLimit: Duration { shutdownGrace + childGrace + .seconds(5) }

    var retries: SiteControlDomain.RetryPolicy { SiteControlDomain.RetryPolicy(waits: backoff) }
}

extension Duration {
    /// Whole microseconds, for intervals in SQL.
    var wholeMicroseconds: Int64 { wholeNanoseconds / 1000 }
}
