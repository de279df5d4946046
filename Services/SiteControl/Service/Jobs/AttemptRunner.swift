import Encoding
import EventLoop
import Postgres
import ServiceKit
import SiteControlDomain

/// Runs a claimed job from its start to the record of its outcome.
struct AttemptRunner: Sendable {
    let database: Database
    let executor: any JobExecutor
    let leases: LeaseKeeper
    let signals: JobSignals
    let outcomes: JobOutcomes
    let timings: JobTimings
    let logger: Logger
    let metrics: JobMetrics

    /// On a loop, to the end: nothing that is asked of the run ends this call early.
    func callAsFunction(_ running: RunningAttempt, waited: Duration, on loop: Loop) async {
        let job = running.job
        metrics.started(after: waited)
        let progress = ProgressBuffer(
            job: job.id, term: job.term, database: database, signals: signals, interval: timings.progressInterval, loop: loop,
            logger: logger)
        let attempt = Attempt(
            jobID: job.id, type: job.type, number: job.attempt, term: job.term, siteID: job.siteID,
            environmentID: job.environmentID, nodeID: job.nodeID, payload: job.payload, createdAt: job.createdAt,
            timeout: timings.timeout)
        let work = Task(executorPreference: loop) { [executor] in await executor.run(attempt, progress: progress) }
        running.begin(work)
        // The executor keeps the time itself; this is for one that does not.
        let timer = loop.schedule(after: timings.timeout + timings.overrunMargin) { running.stop(.overran) }
        let report = await work.value
        loop.cancel(timer)
        let rest = await progress.close()
        await end(running, report, rest)
        leases.remove(running)
        metrics.stopped()
    }

    private func end(_ running: RunningAttempt, _ report: AttemptReport, _ rest: [NewJobEvent]) async {
        let job = running.job
        let ending = JobEnding(
            report.outcome, attempt: job.attempt, maxAttempts: job.maxAttempts, stop: running.stopReason, timings: timings)
        guard let ending else { return metrics.ended(job.type, "dropped") }
        let recorded = await outcomes.record(ending, of: job, outputTail: report.outputTail, events: rest) {
            running.holdsLease
        }
        switch recorded {
        case .recorded: metrics.ended(job.type, ending.name)
        case .lost:
            metrics.ended(job.type, "dropped")
            logger.error(
                "an outcome was dropped: the job belongs to someone else", .text("job", job.id.description),
                .text("type", job.type.rawValue), .text("outcome", ending.name))
        }
    }
}
