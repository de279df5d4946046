import Encoding
import Postgres
import SiteControlDomain

/// A row of `environments`.
struct EnvironmentRow: PostgresRow, Hashable {
    let id: UUID
    let siteID: UUID
    let name: String
    let slug: String
    let type: EnvironmentType
    let status: LifecycleStatus
    let nodeID: UUID
    let sourceEnvironmentID: UUID?
    let preset: PromotionPreset
    let previewURL: String
    let primaryDomainID: UUID?
    let currentReleaseID: UUID?
    let driftStatus: DriftStatus
    let driftCheckedAt: Timestamp?
    let lastDriftCheckID: UUID?
    let hasFastCGICache: Bool
    let hasRedisCache: Bool
    let createdAt: Timestamp
    let updatedAt: Timestamp
    let stateVersion: Int64

    static let columns: StaticString = """
        environments.id, environments.site_id, environments.name, environments.slug, environments.environment_type, \
        environments.status, environments.node_id, environments.source_environment_id, environments.promotion_preset, \
        environments.preview_url, environments.primary_domain_id, environments.current_release_id, \
        environments.drift_status, environments.drift_checked_at, environments.last_drift_check_id, \
        environments.fastcgi_cache_enabled, environments.redis_cache_enabled, environments.created_at, \
        environments.updated_at, environments.state_version
        """

    init(_ row: inout RowReader) throws(RowError) {
        id = try row.next()
        siteID = try row.next()
        name = try row.next()
        slug = try row.next()
        type = try row.next()
        status = try row.next()
        nodeID = try row.next()
        sourceEnvironmentID = try row.next()
        preset = try row.next()
        previewURL = try row.next()
        primaryDomainID = try row.next()
        currentReleaseID = try row.next()
        driftStatus = try row.next()
        driftCheckedAt = try row.next()
        lastDriftCheckID = try row.next()
        hasFastCGICache = try row.next()
        hasRedisCache = try row.next()
        createdAt = try row.next()
        updatedAt = try row.next()
        stateVersion = try row.next()
    }

    static func find(_ id: UUID) -> SQL<EnvironmentRow> {
        "SELECT \(raw: columns) FROM environments WHERE id = \(id)"
    }

    /// Oldest first.
    static func all(of site: UUID) -> SQL<EnvironmentRow> {
        "SELECT \(raw: columns) FROM environments WHERE site_id = \(site) ORDER BY created_at, id"
    }
}
