import Encoding
import EventLoop
package import Postgres
package import ServiceKit

/// Enqueues recurring jobs and removes old events; it runs no job itself (reference 5.9).
///
/// Every instance has one. A tick holds an advisory lock, so that two never tick at once, and a site with an open job is left for
/// the next tick, so that one tick more does no harm.
package struct JobScheduler: Sendable {
    private let database: Database
    private let timings: JobTimings
    private let logger: Logger
    private let metrics: JobMetrics
    private let signals: JobSignals

    private static let lock = AdvisoryLock("trivet site-control scheduler")
    /// Backups that one clean-up job names; the next tick takes the others.
    private static let backupsPerJob = 500
    /// How long the events of a finished job are kept.
    private static let eventDays = 30
    /// Finished jobs whose events one statement removes.
    private static let eventBatch = 200

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
        while !Task.isCancelled {
            var failed = false
            do {
                try await tick()
            } catch {
                failed = true
                if !Task.isCancelled { logger.warn("the scheduler's round failed", .error(error)) }
            }
            try await loop.sleep(for: failed ? min(timings.schedulerInterval, .seconds(30)) : timings.schedulerInterval)
        }
    }

    /// One round.
    /// - Returns: jobs enqueued; nil where another process is at it.
    @discardableResult
    func tick() async throws -> Int? {
        let count = try await database.transaction { transaction -> Int? in
            guard try await transaction.tryLock(Self.lock) else { return nil }
            return try await transaction.query(cleanUps).count
        }
        guard let count else { return nil }
        metrics.scheduled(count)
        if count > 0 {
            signals.send([.queued])
            logger.info("backup clean-up enqueued", .number("sites", count))
        }
        while try await removeOldEvents() > 0 {}
        return count
    }

    /// One job per site with completed backups past their retention, on the node of its primary environment.
    private var cleanUps: SQL<UUID> {
        """
        WITH expired AS (
            SELECT e.site_id, b.id, row_number() OVER (PARTITION BY e.site_id ORDER BY b.retention_until, b.id) AS place
            FROM backups b JOIN environments e ON e.id = b.environment_id
            WHERE b.status = 'completed' AND b.retention_until < now()),
        enqueued AS (
            INSERT INTO jobs (id, job_type, site_id, node_id, payload_json, max_attempts, event_seq)
            SELECT gen_random_uuid(), 'backup_cleanup', s.id, p.node_id,
                jsonb_build_object('backup_ids', jsonb_agg(expired.id ORDER BY expired.place)), \(timings.maxAttempts), 1
            FROM expired JOIN sites s ON s.id = expired.site_id
                JOIN environments p ON p.id = s.primary_environment_id
                JOIN nodes n ON n.id = p.node_id AND n.status <> 'decommissioned'
            WHERE expired.place <= \(Self.backupsPerJob)
                AND NOT EXISTS (SELECT FROM jobs o WHERE o.site_id = s.id AND o.status IN ('queued', 'running'))
            GROUP BY s.id, p.node_id
            ON CONFLICT DO NOTHING RETURNING id),
        noted AS (
            INSERT INTO job_events (job_id, seq, kind, data) SELECT id, 1, 'state', \(JobEventSQL.queued) FROM enqueued)
        SELECT id FROM enqueued
        """
    }

    private func removeOldEvents() async throws(DatabaseError) -> Int {
        try await database.execute(
            """
            DELETE FROM job_events WHERE job_id IN (
                SELECT j.id FROM jobs j WHERE j.finished_at < now() - \(Self.eventDays) * interval '1 day'
                    AND j.id IN (SELECT e.job_id FROM job_events e WHERE e.at < now() - \(Self.eventDays) * interval '1 day'
                        ORDER BY e.at LIMIT \(Self.eventBatch)))
            """)
    }
}
