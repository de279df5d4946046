import Encoding
import Postgres
import SiteControlDomain

/// A row of `sites`.
struct SiteRow: PostgresRow, Hashable {
    let id: UUID
    let name: String
    let slug: String
    let status: LifecycleStatus
    let primaryEnvironmentID: UUID?
    let createdAt: Timestamp
    let updatedAt: Timestamp
    let stateVersion: Int64

    static let columns: StaticString = """
        sites.id, sites.name, sites.slug, sites.status, sites.primary_environment_id, sites.created_at, sites.updated_at, \
        sites.state_version
        """

    init(_ row: inout RowReader) throws(RowError) {
        id = try row.next()
        name = try row.next()
        slug = try row.next()
        status = try row.next()
        primaryEnvironmentID = try row.next()
        createdAt = try row.next()
        updatedAt = try row.next()
        stateVersion = try row.next()
    }

    static func find(_ id: UUID) -> SQL<SiteRow> { "SELECT \(raw: columns) FROM sites WHERE id = \(id)" }

    /// Oldest first.
    static var all: SQL<SiteRow> { "SELECT \(raw: columns) FROM sites ORDER BY created_at, id" }
}
