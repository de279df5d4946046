import Encoding
import Postgres
import SiteControlDomain

/// A job as the engine handles it: what it is, what it belongs to, and which run of it this is.
struct JobTicket: Sendable, PostgresRow {
    let id: UUID
    let type: JobType
    /// nil for a job of a node.
    let siteID: UUID?
    let environmentID: UUID?
    let nodeID: UUID
    let payload: JSONObject
    /// Executions begun so far.
    let attempt: Int
    let maxAttempts: Int
    /// Of its last claim; 0 where it was never claimed.
    let term: Int64
    let createdAt: Timestamp

    /// Of the table `jobs` under the name `j`, in the order in which they are read.
    static let columns: StaticString = """
        j.id, j.job_type, j.site_id, j.environment_id, j.node_id, j.payload_json, j.attempt_count, j.max_attempts, \
        coalesce(j.fencing_term, 0), j.created_at
        """

    init(_ row: inout RowReader) throws(RowError) {
        id = try row.next()
        type = try row.next()
        siteID = try row.next()
        environmentID = try row.next()
        nodeID = try row.next()
        // The schema takes objects alone.
        payload = (try? JSONReader.parse(try row.next(JSONText.self).utf8))?.object ?? JSONObject()
        attempt = try row.next()
        maxAttempts = try row.next()
        term = try row.next()
        createdAt = try row.next()
    }

    var definition: JobDefinition { type.definition }

    /// A member of the payload that is an id; nil where it is missing, null or no id.
    func id(_ key: String) -> UUID? { payload[key]?.string.flatMap { UUID($0) } }

    /// A member of the payload that is a text.
    func text(_ key: String) -> String? { payload[key]?.string }
}
