import Encoding
import Postgres
import SiteControlDomain

/// A row of `nodes`.
struct NodeRow: PostgresRow, Hashable {
    let id: UUID
    let name: String
    let hostname: String
    /// IPv4, without a mask.
    let publicIP: String?
    let sshPort: Int32
    let sshUser: String
    let status: NodeStatus
    let isLocal: Bool
    let lastSeenAt: Timestamp?
    let createdAt: Timestamp
    let updatedAt: Timestamp
    let stateVersion: Int64

    static let columns: StaticString = """
        nodes.id, nodes.name, nodes.hostname, host(nodes.public_ip), nodes.ssh_port, nodes.ssh_user, nodes.status, \
        nodes.is_local, nodes.last_seen_at, nodes.created_at, nodes.updated_at, nodes.state_version
        """

    init(_ row: inout RowReader) throws(RowError) {
        id = try row.next()
        name = try row.next()
        hostname = try row.next()
        publicIP = try row.next()
        sshPort = try row.next()
        sshUser = try row.next()
        status = try row.next()
        isLocal = try row.next()
        lastSeenAt = try row.next()
        createdAt = try row.next()
        updatedAt = try row.next()
        stateVersion = try row.next()
    }

    static func find(_ id: UUID) -> SQL<NodeRow> { "SELECT \(raw: columns) FROM nodes WHERE id = \(id)" }

    /// Oldest first.
    static var all: SQL<NodeRow> { "SELECT \(raw: columns) FROM nodes ORDER BY created_at, id" }
}
