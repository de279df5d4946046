import Encoding
import Postgres
import SiteControlDomain

/// The job that follows a successful one, inserted in its transaction once it has left `running`: nobody's job can slip in
/// between (reference 5.10). No user stands behind it, so it has no audit row.
struct FollowUps {
    let job: JobTicket
    let result: JobResult
    /// The release that the parent has left.
    let releaseID: UUID
    let maxAttempts: Int

    var commands: [Command] {
        if job.definition.checksHealth { return [healthCheck] }
        if case .healthChecked(let verdict) = result, !verdict.isHealthy { return [rollback] }
        return []
    }

    private var healthCheck: Command {
        var payload = JSONObject()
        payload["release_id"] = .string(releaseID.description)
        payload["parent_job_id"] = .string(job.id.description)
        payload["pre_change_dump"] = result.preChangeDump.map { .string($0) } ?? .null
        let document = JSONText(utf8: JSONValue.object(payload).bytes)
        return Self.enqueue(
            """
            SELECT \(UUID.random())::uuid, 'health_check', \(job.siteID)::uuid, \(job.environmentID)::uuid, \(job.nodeID)::uuid,
                \(document)::jsonb, \(maxAttempts)::int
            """)
    }

    /// Back to the newest earlier release that is not known to be bad; only where the bad one is what the environment serves.
    /// Without such a release the job is inserted all the same: it fails with `ROLLBACK_TARGET_MISSING`.
    private var rollback: Command {
        let dump = job.text("pre_change_dump")
        return Self.enqueue(
            """
            SELECT \(UUID.random())::uuid, 'release_rollback', e.site_id, e.id, e.node_id,
                jsonb_build_object('release_id', r.id, 'parent_job_id', \(job.id)::uuid, 'pre_change_dump', \(dump)::text,
                    'target_release_id', (
                        SELECT t.id FROM releases t
                        WHERE t.environment_id = e.id AND t.health_status <> 'unhealthy' AND t.id <> r.id
                            AND t.created_at <= r.created_at
                        ORDER BY t.created_at DESC, t.id LIMIT 1)),
                \(maxAttempts)::int
            FROM environments e JOIN releases r ON r.id = e.current_release_id
            WHERE e.id = \(job.environmentID) AND r.id = \(job.id("release_id"))
            """)
    }

    /// - Parameter rows: id, type, site, environment, node, payload, attempts.
    static func enqueue(_ rows: SQLFragment) -> Command {
        """
        WITH enqueued AS (
            INSERT INTO jobs (id, job_type, site_id, environment_id, node_id, payload_json, max_attempts, event_seq)
            SELECT wanted.*, 1 FROM (\(rows)) AS wanted
            ON CONFLICT DO NOTHING RETURNING id),
        noted AS (
            INSERT INTO job_events (job_id, seq, kind, data)
            SELECT id, 1, 'state', '{"status":"queued","attempt":0}' FROM enqueued)
        SELECT id FROM enqueued
        """
    }
}
