import Encoding
import EventLoop
import Postgres
import SiteControlDomain

/// Takes due jobs out of the queue for this worker: the row to `running` with lease and term, and what the job changes when it
/// begins, in one transaction (reference 5.4).
struct Claim: Sendable {
    let database: Database
    let worker: WorkerIdentity
    let timings: JobTimings

    struct Taken: Sendable {
        /// To be run.
        var jobs: [ClaimedJob] = []
        /// Ended at once, because what their request checked no longer holds.
        var refused: [(job: JobTicket, code: JobErrorCode)] = []
        /// On this machine's clock, never later than in the database.
        var leaseEnds: MonotonicTime

        var count: Int { jobs.count + refused.count }
    }

    /// - Throws: `DatabaseError` with a unique violation where another worker was faster: try again.
    func callAsFunction(limit: Int) async throws -> Taken {
        let began = MonotonicTime.now()
        return try await database.transaction { transaction in
            var taken = Taken(leaseEnds: began + timings.lease)
            var commands: [Command] = []
            for job in try await transaction.query(statement(limit: min(limit, timings.claimBatchMax))) {
                if let refusal = try await StartCondition(job).refusal(in: transaction) {
                    taken.refused.append((job.ticket, refusal.code))
                    commands += StartEffects(job: job.ticket).commands(refused: refusal)
                    commands += JobClosing.refused(job.ticket, refusal)
                } else {
                    taken.jobs.append(job)
                    commands += StartEffects(job: job.ticket).commands
                }
            }
            _ = try await transaction.group(commands)
            return taken
        }
    }

    /// The head of the queue of every node that is free, oldest first. Nodes whose head is being taken by another worker are
    /// stepped over; queues of busy nodes are not looked through, however long they are.
    private func statement(limit: Int) -> SQL<ClaimedJob> {
        """
        WITH due AS MATERIALIZED (
            SELECT head.id FROM nodes n CROSS JOIN LATERAL (
                SELECT j.id, coalesce(j.run_after, j.created_at) AS due_at, j.created_at FROM jobs j
                WHERE j.node_id = n.id AND j.status = 'queued' AND coalesce(j.run_after, j.created_at) <= now()
                    AND NOT EXISTS (SELECT FROM jobs r WHERE r.status = 'running' AND r.site_id = j.site_id)
                ORDER BY coalesce(j.run_after, j.created_at), j.created_at, j.id LIMIT 1) head
            WHERE NOT EXISTS (SELECT FROM jobs r WHERE r.status = 'running' AND r.node_id = n.id)
            ORDER BY head.due_at, head.created_at, head.id LIMIT \(limit)),
        locked AS MATERIALIZED (
            SELECT id FROM jobs WHERE id IN (SELECT id FROM due) AND status = 'queued' FOR UPDATE SKIP LOCKED),
        claimed AS (
            UPDATE jobs j SET status = 'running', locked_by = \(worker.description), locked_at = now(), started_at = now(),
                lease_expires_at = clock_timestamp() + \(timings.lease.wholeMicroseconds) * interval '1 microsecond',
                attempt_count = j.attempt_count + 1, fencing_term = nextval('job_fencing_term'), event_seq = j.event_seq + 1
            FROM locked WHERE j.id = locked.id RETURNING j.*),
        noted AS (
            INSERT INTO job_events (job_id, seq, kind, data)
            SELECT id, event_seq, 'state', jsonb_build_object('status', 'running', 'attempt', attempt_count) FROM claimed)
        SELECT \(raw: JobTicket.columns), n.status, s.status, e.status,
            (extract(epoch FROM now() - coalesce(j.run_after, j.created_at)) * 1000000)::bigint
        FROM claimed j JOIN nodes n ON n.id = j.node_id LEFT JOIN sites s ON s.id = j.site_id
            LEFT JOIN environments e ON e.id = j.environment_id
        """
    }
}

/// A job that a claim has taken, and the states of what it belongs to at that moment.
struct ClaimedJob: Sendable, PostgresRow {
    let ticket: JobTicket
    let node: NodeStatus
    let site: LifecycleStatus?
    let environment: LifecycleStatus?
    /// How long it was due.
    let waited: Duration

    init(_ row: inout RowReader) throws(RowError) {
        ticket = try JobTicket(&row)
        node = try row.next()
        site = try row.next()
        environment = try row.next()
        waited = .microseconds(try row.next(Int64.self))
    }
}
