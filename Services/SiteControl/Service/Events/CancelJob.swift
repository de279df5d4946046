import Crypto
import Encoding
import EventLoop
import Postgres
import SiteControlDomain

/// Ends a job before its time (reference 5.8). A queued one is cancelled at once; a running one is stopped by its worker
/// first, because its site and node stay locked until the playbook has ended. Nothing is undone.
struct CancelJob: Sendable {
    /// How long a call waits for a running job to stop.
    static let patience = Duration.seconds(10)

    let database: Database
    let hub: EventHub

    /// - Returns: the state that was seen last.
    func callAsFunction(_ job: UUID, by actor: Actor) async throws -> JobStatus {
        let status = try await database.transaction { transaction in
            try await ask(job, actor, in: transaction)
        }
        return status == .running ? try await ending(of: job) : status
    }

    /// The row stays locked to the end: no worker claims it, and none records what became of it meanwhile.
    private func ask(_ id: UUID, _ actor: Actor, in transaction: Transaction) async throws -> JobStatus {
        guard let found = try await transaction.first(CancelledJob.lock(id)) else { throw Refusal.notFound("job") }
        switch found.status {
        case .queued:
            let effects = FailureEffects(job: found.job, code: nil).commands
            _ = try await transaction.group(effects + [found.cancelled, found.audited, audit(id, actor)])
            return .cancelled
        case .running:
            // Asked again, it changes nothing.
            if !found.isRequested { _ = try await transaction.group([found.requested, audit(id, actor)]) }
            return .running
        case .succeeded, .failed, .cancelled: throw Refusal.jobNotCancellable
        }
    }

    private func audit(_ job: UUID, _ actor: Actor) -> Command {
        AuditLog.append(.random(), actor, .jobCancel, .job, job.description, .succeeded, job: job)
    }

    /// Waits for what becomes of a running job.
    private func ending(of job: UUID) async throws -> JobStatus {
        guard let loop = Loop.current,
            let page = try await JobEventPage.read(job, after: .max, limits: hub.limits, from: database)
        else { return .running }
        let feed = hub.watch(job, at: page)
        defer { hub.leave(feed) }
        let deadline = MonotonicTime.now() + Self.patience
        while !feed.status.isFinal, !hub.isClosing, !Task.isCancelled {
            let left = deadline - MonotonicTime.now()
            guard left > .zero else { break }
            await feed.wait(after: feed.newest, status: feed.status, for: left, on: loop)
        }
        return feed.status
    }
}

/// A job that somebody wants to end, with its row locked.
private struct CancelledJob: PostgresRow {
    let status: JobStatus
    let isRequested: Bool
    let job: JobTicket

    init(_ row: inout RowReader) throws(RowError) {
        status = try row.next()
        isRequested = try row.next()
        job = try JobTicket(&row)
    }

    static func lock(_ id: UUID) -> SQL<CancelledJob> {
        """
        SELECT j.status, j.cancel_requested_at IS NOT NULL, \(raw: JobTicket.columns) FROM jobs AS j WHERE j.id = \(id) FOR UPDATE
        """
    }

    /// With its last event.
    var cancelled: Command {
        """
        WITH ended AS (
            UPDATE jobs SET status = 'cancelled', finished_at = now(), cancel_requested_at = now(), run_after = NULL,
                error_code = NULL, error_message = NULL, event_seq = event_seq + 1
            WHERE id = \(job.id) AND status = 'queued' RETURNING id, event_seq, attempt_count),
        noted AS (
            INSERT INTO job_events (job_id, seq, kind, data)
            SELECT id, event_seq, 'state', jsonb_build_object('status', 'cancelled', 'attempt', attempt_count) FROM ended)
        SELECT pg_notify(\(JobEventSQL.eventChannel), id::text) FROM ended
        """
    }

    /// What had been accepted came to this.
    var audited: Command {
        """
        UPDATE audit_logs SET result = 'cancelled'
        WHERE job_id = \(job.id) AND result = 'accepted' AND action <> 'job_cancel'
        """
    }

    var requested: Command {
        """
        WITH asked AS (
            UPDATE jobs SET cancel_requested_at = now() WHERE id = \(job.id) AND status = 'running' RETURNING id)
        SELECT pg_notify(\(JobEventSQL.cancelChannel), id::text) FROM asked
        """
    }
}
