import Encoding
import EventLoop
package import Postgres
package import ServiceKit
import SiteControlDomain

/// Takes back jobs whose worker has been silent for longer than its lease (reference 5.6), and measures the queue.
///
/// Any number of instances run it: of two that look at the same job, the fence lets one act.
package struct JobReaper: Sendable {
    private let database: Database
    private let timings: JobTimings
    private let logger: Logger
    private let metrics: JobMetrics
    private let signals: JobSignals
    private static let batch = 100

    package init(database: Database, timings: JobTimings, logger: Logger, metrics: JobMetrics, signals: JobSignals) {
        self.database = database
        self.timings = timings
        self.logger = logger
        self.metrics = metrics
        self.signals = signals
    }

    /// At once and then in intervals, until it is cancelled.
    package func run() async throws {
        guard let loop = Loop.current else { return }
        var isFailing = false
        while !Task.isCancelled {
            do {
                while try await reap() == Self.batch {}
                try await measure()
                isFailing = false
            } catch {
                if !isFailing, !Task.isCancelled { logger.warn("lost jobs were not looked for", .error(error)) }
                isFailing = true
            }
            try await loop.sleep(for: isFailing ? min(timings.reaperInterval, .seconds(1)) : timings.reaperInterval)
        }
    }

    /// One look.
    /// - Returns: how many jobs were found.
    @discardableResult
    func reap() async throws(DatabaseError) -> Int {
        let lost = try await database.query(
            """
            SELECT \(raw: JobTicket.columns), j.cancel_requested_at IS NOT NULL, j.locked_by FROM jobs j
            WHERE j.status = 'running' AND j.lease_expires_at <= now() ORDER BY j.lease_expires_at LIMIT \(Self.batch)
            """ as SQL<LostJob>, lane: .write)
        for job in lost { try await take(job) }
        return lost.count
    }

    private func take(_ lost: LostJob) async throws(DatabaseError) {
        let job = lost.ticket
        let ending =
            lost.cancelWasRequested
            ? JobEnding.cancelled
            : JobEnding.failure(
                .workerLost, "the worker \(lost.worker) was lost", attempt: job.attempt, maxAttempts: job.maxAttempts,
                timings: timings)
        do {
            let closing = JobClosing(job: job, ending: ending).withoutSuccess
            _ = try await database.group([JobFence.seize(job.id, term: job.term)] + closing)
            signals.send([.event(job.id)])
            metrics.reaped(1)
            metrics.ended(job.type, ending.name)
            logger.warn(
                "a job was taken back from a lost worker", .text("job", job.id.description), .text("worker", lost.worker),
                .number("attempt", job.attempt), .text("outcome", ending.name))
        } catch {
            // Someone else took it; or this one cannot be ended, which must not keep the others.
            guard case .server = error else { throw error }
            if !JobFence.refused(error) {
                logger.error("a lost job was not taken back", .text("job", job.id.description), .error(error))
            }
        }
    }

    private func measure() async throws(DatabaseError) {
        let queue = try await database.one(
            """
            SELECT count(*), coalesce(extract(epoch FROM now() - min(coalesce(run_after, created_at)))::bigint, 0)
            FROM jobs WHERE status = 'queued'
            """ as SQL<Columns<Int, Int>>)
        metrics.queue(depth: queue.values.0, age: max(queue.values.1, 0))
    }
}

private struct LostJob: PostgresRow {
    let ticket: JobTicket
    let cancelWasRequested: Bool
    let worker: String

    init(_ row: inout RowReader) throws(RowError) {
        ticket = try JobTicket(&row)
        cancelWasRequested = try row.next()
        worker = try row.next()
    }
}
