import Encoding
import EventLoop
import Locking
import Postgres
import ServiceKit

/// Keeps the leases of all runs of this process, apart from what they do, and stops those whose lease cannot be kept: their
/// children are gone before another worker may begin (reference 5.6).
final class LeaseKeeper: Sendable {
    private let database: Database
    private let timings: JobTimings
    private let logger: Logger
    private let metrics: JobMetrics
    private let held = Locked<[UUID: RunningAttempt]>([:])

    init(database: Database, timings: JobTimings, logger: Logger, metrics: JobMetrics) {
        self.database = database
        self.timings = timings
        self.logger = logger
        self.metrics = metrics
    }

    func add(_ attempt: RunningAttempt) { held.withLock { $0[attempt.job.id] = attempt } }

    func remove(_ attempt: RunningAttempt) {
        held.withLock { if $0[attempt.job.id] === attempt { $0[attempt.job.id] = nil } }
    }

    var attempts: [RunningAttempt] { held.withLock { Array($0.values) } }

    /// Someone asked for the end of a job.
    func cancel(_ job: UUID) {
        guard let attempt = held.withLock({ $0[job] }), attempt.stop(.cancelRequested) else { return }
        logger.info("stopping a job on request", .text("job", job.description))
    }

    // MARK: Renewing

    /// Until it is cancelled.
    func renew() async throws {
        guard let loop = Loop.current else { return }
        var isFailing = false
        while !Task.isCancelled {
            try await loop.sleep(for: isFailing ? timings.renewRetry : timings.renewInterval)
            do {
                try await renewOnce()
                isFailing = false
            } catch {
                metrics.heartbeatFailed()
                if !isFailing, !Task.isCancelled { logger.warn("leases were not renewed", .error(error)) }
                isFailing = true
            }
        }
    }

    /// All leases in one statement, which also tells whose end was asked for.
    func renewOnce() async throws(DatabaseError) {
        let attempts = attempts
        guard !attempts.isEmpty else { return }
        let began = MonotonicTime.now()
        let rows = try await database.query(
            """
            UPDATE jobs j SET lease_expires_at = clock_timestamp() + \(timings.lease.wholeMicroseconds) * interval '1 microsecond'
            FROM unnest(\(attempts.map(\.job.id)), \(attempts.map(\.job.term))) AS held (id, term)
            WHERE j.id = held.id AND j.status = 'running' AND j.fencing_term = held.term AND j.lease_expires_at > now()
            RETURNING j.id, j.cancel_requested_at IS NOT NULL
            """ as SQL<Columns<UUID, Bool>>)
        let renewed = Dictionary(rows.map(\.values)) { first, _ in first }
        for attempt in attempts {
            switch renewed[attempt.job.id] {
            case nil: lose(attempt, "the job belongs to someone else")
            case true?:
                attempt.renew(until: began + timings.lease)
                cancel(attempt.job.id)
            case false?: attempt.renew(until: began + timings.lease)
            }
        }
    }

    // MARK: Fencing itself off

    /// Looks at the clock alone, so that nothing the database does can delay it. Until it is cancelled.
    func guardLeases() async throws {
        guard let loop = Loop.current else { return }
        let step = max(timings.lease / 30, .milliseconds(10))
        while !Task.isCancelled {
            try await loop.sleep(for: step)
            let edge = MonotonicTime.now() + timings.stopMargin + step
            for attempt in attempts where attempt.leaseEnds <= edge { lose(attempt, "the lease could not be renewed in time") }
        }
    }

    private func lose(_ attempt: RunningAttempt, _ why: String) {
        // One that has just recorded its outcome has nothing to lose.
        guard held.withLock({ $0[attempt.job.id] === attempt }), attempt.stop(.leaseLost) else { return }
        metrics.leaseLost()
        logger.error(
            "lease lost, the attempt is stopped", .text("job", attempt.job.id.description),
            .number("attempt", attempt.job.attempt), .text("reason", why))
    }
}
