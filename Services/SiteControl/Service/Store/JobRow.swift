import Encoding
import Postgres
import SiteControlDomain

/// A row of `jobs`, as far as clients see it.
struct JobRow: PostgresRow, Hashable {
    let id: UUID
    let type: JobType
    let status: JobStatus
    let siteID: UUID?
    let environmentID: UUID?
    let nodeID: UUID
    let attemptCount: Int32
    let maxAttempts: Int32
    let runAfter: Timestamp?
    let lockedAt: Timestamp?
    let lockedBy: String?
    let startedAt: Timestamp?
    let finishedAt: Timestamp?
    let errorCode: String?
    let errorMessage: String?
    let createdAt: Timestamp
    let updatedAt: Timestamp

    static let columns: StaticString = """
        jobs.id, jobs.job_type, jobs.status, jobs.site_id, jobs.environment_id, jobs.node_id, jobs.attempt_count, \
        jobs.max_attempts, jobs.run_after, jobs.locked_at, jobs.locked_by, jobs.started_at, jobs.finished_at, \
        jobs.error_code, jobs.error_message, jobs.created_at, jobs.updated_at
        """

    init(_ row: inout RowReader) throws(RowError) {
        id = try row.next()
        type = try row.next()
        status = try row.next()
        siteID = try row.next()
        environmentID = try row.next()
        nodeID = try row.next()
        attemptCount = try row.next()
        maxAttempts = try row.next()
        runAfter = try row.next()
        lockedAt = try row.next()
        lockedBy = try row.next()
        startedAt = try row.next()
        finishedAt = try row.next()
        errorCode = try row.next()
        errorMessage = try row.next()
        createdAt = try row.next()
        updatedAt = try row.next()
    }

    static func find(_ id: UUID) -> SQL<JobRow> { "SELECT \(raw: columns) FROM jobs WHERE id = \(id)" }
}
