import Encoding
import Postgres

/// An event of a job that is not written yet.
struct NewJobEvent: Sendable {
    enum Kind: String, Sendable, PostgresEncodable {
        case state, progress, output
    }

    let kind: Kind
    let data: JSONText

    init(_ kind: Kind, _ data: JSONObject) {
        self.kind = kind
        self.data = JSONText(utf8: JSONValue.object(data).bytes)
    }
}

/// Writes events of a run that is under way.
enum JobEvents {
    /// One statement for all of them. It gives one row, or none where the run no longer holds its job: nothing was written then.
    static func append(_ job: UUID, term: Int64, _ events: [NewJobEvent]) -> Command {
        """
        WITH held AS (
            UPDATE jobs SET event_seq = event_seq + \(events.count)
            WHERE id = \(job) AND status = 'running' AND fencing_term = \(term) AND lease_expires_at > now()
            RETURNING id, event_seq - \(events.count) AS before),
        written AS (
            INSERT INTO job_events (job_id, seq, kind, data)
            SELECT held.id, held.before + event.number, event.kind, event.data
            FROM held, unnest(\(events.map(\.kind.rawValue)), \(events.map(\.data))) WITH ORDINALITY AS event (kind, data, number))
        SELECT id FROM held
        """
    }
}
