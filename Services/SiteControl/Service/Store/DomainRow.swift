import Encoding
import Postgres
import SiteControlDomain

/// A row of `domains`.
struct DomainRow: PostgresRow, Hashable {
    let id: UUID
    let environmentID: UUID
    let hostname: String
    let tlsStatus: TLSStatus
    let tlsIssuer: String
    let createdAt: Timestamp
    let updatedAt: Timestamp

    static let columns: StaticString = """
        domains.id, domains.environment_id, domains.hostname, domains.tls_status, domains.tls_issuer, \
        domains.created_at, domains.updated_at
        """

    init(_ row: inout RowReader) throws(RowError) {
        id = try row.next()
        environmentID = try row.next()
        hostname = try row.next()
        tlsStatus = try row.next()
        tlsIssuer = try row.next()
        createdAt = try row.next()
        updatedAt = try row.next()
    }

    static func find(_ id: UUID) -> SQL<DomainRow> { "SELECT \(raw: columns) FROM domains WHERE id = \(id)" }

    /// Oldest first.
    static func all(of environment: UUID) -> SQL<DomainRow> {
        "SELECT \(raw: columns) FROM domains WHERE environment_id = \(environment) ORDER BY created_at, id"
    }
}
