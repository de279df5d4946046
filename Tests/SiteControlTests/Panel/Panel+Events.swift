import Encoding
import EventLoop
import Foundation
import Postgres
import TestSupport
import Testing

extension Panel {
    /// A job that nobody works on, running unless told otherwise.
    func seedWatchedJob(_ status: String = "running") async throws -> String {
        let site = try await seed()
        return try await seedJob("cache_purge", site: site.site, environment: site.staging, status: status)
    }

    /// Writes `count` output events of a job, as a worker does: in one transaction, with its notification unless told otherwise.
    ///
    /// - Parameter size: characters of each line.
    func write(_ count: Int, to job: String, size: Int = 20, notify: Bool = true) async throws {
        _ = try await database.group([
            Command(text: """
                WITH raised AS (UPDATE jobs SET event_seq = event_seq + \(count) WHERE id = '\(job)' RETURNING event_seq)
                INSERT INTO job_events (job_id, seq, kind, data)
                SELECT '\(job)', raised.event_seq - \(count) + n, 'output',
                  jsonb_build_object('stream', 'stdout', 'line', (raised.event_seq - \(count) + n) || repeat('x', \(size)))
                FROM raised, generate_series(1, \(count)) AS n
                """),
            Command(text: notify ? "SELECT pg_notify('job_event', '\(job)')" : "SELECT 1"),
        ])
    }

    /// Ends a job, with its last event.
    func finish(_ job: String, _ status: String = "succeeded") async throws {
        _ = try await database.group([
            Command(text: """
                WITH ended AS (
                    UPDATE jobs SET status = '\(status)', finished_at = now(), locked_by = NULL, locked_at = NULL,
                        lease_expires_at = NULL, event_seq = event_seq + 1
                    WHERE id = '\(job)' RETURNING event_seq)
                INSERT INTO job_events (job_id, seq, kind, data)
                SELECT '\(job)', event_seq, 'state', '{"status": "\(status)", "attempt": 1}' FROM ended
                """),
            Command(text: "SELECT pg_notify('job_event', '\(job)')"),
        ])
    }

    /// Opens a stream. On a loop only.
    func watch(
        _ job: String, after: Int64? = nil, on instance: ServiceUnderTest? = nil, token: String? = nil
    ) async throws -> EventWatcher {
        var fields = ["Authorization": "Bearer \(token ?? reader)", "Accept": "text/event-stream"]
        if let after { fields["Last-Event-ID"] = "\(after)" }
        return try await EventWatcher.open((instance ?? process).address, "/api/jobs/\(job)/events", fields: fields)
    }
}
