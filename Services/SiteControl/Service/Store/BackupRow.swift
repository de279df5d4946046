import Encoding
import Postgres
import SiteControlDomain

/// A row of `backups`.
struct BackupRow: PostgresRow, Hashable {
    let id: UUID
    let environmentID: UUID
    let scope: BackupScope
    let status: BackupStatus
    let storageType: String
    let storagePath: String
    let retentionUntil: Timestamp
    let checksum: String?
    let sizeBytes: Int64?
    let createdAt: Timestamp
    let completedAt: Timestamp?

    static let columns: StaticString = """
        backups.id, backups.environment_id, backups.backup_scope, backups.status, backups.storage_type, \
        backups.storage_path, backups.retention_until, backups.checksum, backups.size_bytes, backups.created_at, \
        backups.completed_at
        """

    init(_ row: inout RowReader) throws(RowError) {
        id = try row.next()
        environmentID = try row.next()
        scope = try row.next()
        status = try row.next()
        storageType = try row.next()
        storagePath = try row.next()
        retentionUntil = try row.next()
        checksum = try row.next()
        sizeBytes = try row.next()
        createdAt = try row.next()
        completedAt = try row.next()
    }

    static func find(_ id: UUID) -> SQL<BackupRow> { "SELECT \(raw: columns) FROM backups WHERE id = \(id)" }

    /// Newest first.
    static func all(of environment: UUID) -> SQL<BackupRow> {
        "SELECT \(raw: columns) FROM backups WHERE environment_id = \(environment) ORDER BY created_at DESC, id DESC"
    }
}
