import Encoding
import Postgres
import SiteControlDomain

/// A job's state and what follows a number, read in one statement and so at one moment.
struct JobEventPage: Sendable {
    let status: JobStatus
    /// Number of the job's newest event.
    let newest: Int64
    /// In order. Bounded: more may follow.
    let events: [JobEvent]

    /// - Returns: nil where there is no such job.
    static func read(
        _ job: UUID, after seq: Int64, limits: EventLimits, from database: some Queryable
    ) async throws(DatabaseError) -> JobEventPage? {
        let rows = try await database.query(query(job, after: seq, limits), lane: .read)
        guard let first = rows.first else { return nil }
        return JobEventPage(status: first.status, newest: first.newest, events: rows.compactMap(\.event))
    }

    /// Whether nothing will ever follow. Of a job that ended long ago, nothing may be left at all.
    var isLast: Bool { status.isFinal && (events.last.map { $0.seq >= newest } ?? true) }

    /// The index gives the events in their order; the sum stops the page where it has enough bytes.
    private static func query(_ job: UUID, after seq: Int64, _ limits: EventLimits) -> SQL<Row> {
        """
        SELECT j.status, j.event_seq, e.seq, e.at, e.kind, e.data
        FROM jobs AS j LEFT JOIN LATERAL (
            SELECT b.seq, b.at, b.kind, b.data,
                   sum(octet_length(b.data::text)) OVER (ORDER BY b.seq) - octet_length(b.data::text) AS before
            FROM (SELECT seq, at, kind, data FROM job_events
                  WHERE job_id = j.id AND seq > \(seq) ORDER BY seq LIMIT \(limits.pageEvents)) AS b
        ) AS e ON e.before < \(limits.pageBytes)
        WHERE j.id = \(job) ORDER BY e.seq
        """
    }

    private struct Row: PostgresRow {
        let status: JobStatus
        let newest: Int64
        let event: JobEvent?

        init(_ row: inout RowReader) throws(RowError) {
            status = try row.next()
            newest = try row.next()
            let (seq, at): (Int64?, Timestamp?) = (try row.next(), try row.next())
            let (kind, data): (String?, JSONText?) = (try row.next(), try row.next())
            guard let seq, let at, let kind, let data else {
                event = nil
                return
            }
            event = JobEvent(seq: seq, at: at, kind: kind, data: data)
        }
    }
}
