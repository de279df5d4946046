import EventLoop
import Locking
package import ServiceKit
import SiteControlDomain

/// Numbers of the job engine beside those of every service.
package struct JobMetrics: Sendable {
    private struct Outcome: Hashable {
        let type: JobType
        let name: String
    }

    private let metrics: Metrics
    private let queued: Gauge
    private let queueAge: Gauge
    private let running: Gauge
    private let slots: Gauge
    private let claims: Counter
    private let emptyClaims: Counter
    private let claimConflicts: Counter
    private let waits: Histogram
    private let leaseLosses: Counter
    private let heartbeatFailures: Counter
    private let reaped: Counter
    private let enqueued: Counter
    private let outcomes = Locked<[Outcome: Counter]>([:])

    package init(_ metrics: Metrics) {
        self.metrics = metrics
        queued = metrics.gauge("trivet_jobs_queued", help: "Jobs that wait, in the database.")
        queueAge = metrics.gauge(
            "trivet_jobs_queue_age_seconds", help: "For how long the job that is due for longest has been due; 0 where none is.")
        running = metrics.gauge("trivet_jobs_running", help: "Jobs that this process runs.")
        slots = metrics.gauge("trivet_job_slots", help: "Jobs that this process may run at once.")
        claims = metrics.counter("trivet_job_claims_total", help: "Jobs that this process has taken from the queue.")
        emptyClaims = metrics.counter("trivet_job_claims_empty_total", help: "Looks at the queue that gave nothing.")
        claimConflicts = metrics.counter(
            "trivet_job_claim_conflicts_total", help: "Claims that another worker was faster than.")
        waits = metrics.histogram("trivet_job_wait_seconds", help: "Time from when a job was due to its start.")
        leaseLosses = metrics.counter("trivet_job_leases_lost_total", help: "Attempts stopped because their lease was lost.")
        heartbeatFailures = metrics.counter(
            "trivet_job_heartbeat_failures_total", help: "Renewals of leases that failed.")
        reaped = metrics.counter("trivet_jobs_reaped_total", help: "Jobs taken back from workers that were lost.")
        enqueued = metrics.counter("trivet_jobs_scheduled_total", help: "Jobs that the scheduler has enqueued.")
    }

    func configure(slots count: Int) { slots.set(count) }
    func queue(depth: Int, age: Int) {
        queued.set(depth)
        queueAge.set(age)
    }
    func claimed(_ count: Int) { if count > 0 { claims.add(count) } else { emptyClaims.add() } }
    func conflicted() { claimConflicts.add() }
    func started(after wait: Duration) {
        running.add(1)
        waits.record(max(wait, .zero))
    }
    func stopped() { running.add(-1) }
    func leaseLost() { leaseLosses.add() }
    func heartbeatFailed() { heartbeatFailures.add() }
    func reaped(_ count: Int) { reaped.add(count) }
    func scheduled(_ count: Int) { enqueued.add(count) }

    /// - Parameter name: what became of a run: `succeeded`, `failed`, `retried`, `cancelled`, `handed_back` or `dropped`.
    func ended(_ type: JobType, _ name: String) {
        let counter = outcomes.withLock { outcomes in
            let key = Outcome(type: type, name: name)
            if let known = outcomes[key] { return known }
            let counter = metrics.counter(
                "trivet_job_outcomes_total", help: "What became of runs, by type.",
                labels: ["type": type.rawValue, "outcome": name])
            outcomes[key] = counter
            return counter
        }
        counter.add()
    }
}
