import Encoding
import Postgres
import SiteControlDomain

/// What the database knows about the things a job is about, read for one attempt.
struct RunFacts: Sendable {
    /// An environment with what its addresses depend on.
    struct Place: Sendable {
        let environment: EnvironmentRow
        let domains: [DomainRow]

        /// The primary domain over https, or the preview address where no domain is primary. No slash at the end.
        var canonicalURL: String {
            guard let id = environment.primaryDomainID, let primary = domains.first(where: { $0.id == id }) else {
                return environment.previewURL
            }
            return "https://" + primary.hostname
        }

        var previewHost: String { RunFacts.host(of: environment.previewURL) }

        /// Every name under which the environment is served.
        var hostnames: [String] { [previewHost] + domains.map(\.hostname) }

        var key: EnvironmentKey { EnvironmentKey(environmentID: environment.id.description) }

        var paths: NodePaths {
            NodePaths(siteID: environment.siteID.description, environmentID: environment.id.description)
        }
    }

    /// Something that the job needs is not there (any more), or not as it was when the job was accepted.
    struct Missing: Error, Hashable, CustomStringConvertible {
        let code: JobErrorCode
        let description: String

        init(_ description: String, _ code: JobErrorCode = .preconditionChanged) {
            self.code = code
            self.description = description
        }
    }

    let node: NodeRow
    var site: SiteRow?
    var place: Place?
    /// Where content comes from, or, for a drift check, the production environment that is measured.
    var source: Place?
    var domain: DomainRow?
    var backup: BackupRow?
    /// The environment that `backup` was taken of.
    var backupPlace: Place?
    var snapshot: BackupRow?
    /// Backups that may be deleted: named by the job, of its site, stored, and past their time.
    var expired: [BackupRow] = []
    var targetReleasePath: String?
    var administratorEmail: String?
    var settings: [String: String] = [:]

    static func host(of url: String) -> String {
        var rest = url[...]
        if let scheme = rest.firstRange(of: "://") { rest = rest[scheme.upperBound...] }
        return String(rest.prefix { $0 != "/" && $0 != ":" })
    }
}

extension RunFacts {
    private struct TextRow: PostgresRow {
        let text: String
        init(_ row: inout RowReader) throws(RowError) { text = try row.next() }
    }

    private struct SettingRow: PostgresRow {
        let key: String
        let value: String
        init(_ row: inout RowReader) throws(RowError) {
            key = try row.next()
            value = try row.next()
        }
    }

    /// Reads what `attempt` needs and nothing else.
    static func read(for attempt: Attempt, from database: Database) async throws -> RunFacts {
        guard let node = try await database.first(NodeRow.find(attempt.nodeID)) else { throw Missing("The node is gone.") }
        var facts = RunFacts(node: node)
        if let siteID = attempt.siteID {
            guard let site = try await database.first(SiteRow.find(siteID)) else { throw Missing("The site is gone.") }
            facts.site = site
        }
        if let id = attempt.environmentID { facts.place = try await place(id, database) }
        let payload = Payload(attempt.payload)
        switch attempt.type {
        case .nodeProvision:
            let rows: [SettingRow] = try await database.query("SELECT key, value FROM settings")
            for row in rows { facts.settings[row.key] = row.value }
        case .siteCreate:
            let row: TextRow? = try await database.first(
                "SELECT email FROM users WHERE is_active ORDER BY created_at, id LIMIT 1")
            facts.administratorEmail = row?.text
        case .siteImport, .environmentUpdate:
            facts.snapshot = try await snapshot(payload, database)
        case .environmentRestore:
            facts.snapshot = try await snapshot(payload, database)
            facts.backup = try await storedBackup(payload, attempt, database)
            if let backup = facts.backup { facts.backupPlace = try await place(backup.environmentID, database) }
        case .environmentPromote:
            facts.backup = try await storedBackup(payload, attempt, database)
            facts.source = try await sourcePlace(payload, attempt, database)
        case .environmentCreate:
            facts.source = try await sourcePlace(payload, attempt, database)
        case .driftCheck:
            guard let siteID = attempt.siteID,
                let production = try await database.query(EnvironmentRow.all(of: siteID)).first(where: {
                    $0.type == .production
                })
            else { throw Missing("The site has no production environment.") }
            facts.source = try await place(production.id, database)
        case .backupCreate:
            facts.backup = try await backup(payload.id("backup_id"), database)
        case .domainAdd, .domainRemove:
            guard let id = payload.id("domain_id"), let domain = try await database.first(DomainRow.find(id)),
                domain.environmentID == attempt.environmentID
            else { throw Missing("The domain is gone.") }
            facts.domain = domain
        case .backupCleanup:
            facts.expired = try await expired(payload, attempt, database)
        case .releaseRollback:
            facts.targetReleasePath = try await targetRelease(payload, attempt, database)
        case .environmentDeploy, .cacheToggle, .cachePurge, .healthCheck:
            break
        }
        return facts
    }

    private static func place(_ id: UUID, _ database: Database) async throws -> Place {
        guard let environment = try await database.first(EnvironmentRow.find(id)) else {
            throw Missing("The environment is gone.")
        }
        return Place(environment: environment, domains: try await database.query(DomainRow.all(of: id)))
    }

    private static func sourcePlace(_ payload: Payload, _ attempt: Attempt, _ database: Database) async throws -> Place {
        guard let id = payload.id("source_environment_id") else { throw Missing("The job names no source environment.") }
        let source = try await place(id, database)
        guard source.environment.siteID == attempt.siteID else {
            throw Missing("The source environment belongs to another site.")
        }
        return source
    }

    private static func backup(_ id: UUID?, _ database: Database) async throws -> BackupRow {
        guard let id, let backup = try await database.first(BackupRow.find(id)) else { throw Missing("The backup is gone.") }
        return backup
    }

    /// nil where none was planned.
    private static func snapshot(_ payload: Payload, _ database: Database) async throws -> BackupRow? {
        guard let id = payload.id("snapshot_backup_id") else { return nil }
        return try await backup(id, database)
    }

    /// A backup that is in the store, of the job's site.
    private static func storedBackup(
        _ payload: Payload, _ attempt: Attempt, _ database: Database
    ) async throws -> BackupRow {
        let backup = try await backup(payload.id("backup_id"), database)
        guard backup.status == .completed else { throw Missing("The backup is not in the store any more.") }
        guard let siteID = attempt.siteID,
            try await database.query(EnvironmentRow.all(of: siteID)).contains(where: { $0.id == backup.environmentID })
        else { throw Missing("The backup belongs to another site.") }
        return backup
    }

    private static func expired(_ payload: Payload, _ attempt: Attempt, _ database: Database) async throws -> [BackupRow] {
        let ids = payload.ids("backup_ids")
        guard let siteID = attempt.siteID, !ids.isEmpty else { return [] }
        return try await database.query(
            """
            SELECT \(raw: BackupRow.columns) FROM backups JOIN environments ON environments.id = backups.environment_id
            WHERE backups.id = ANY(\(ids)) AND environments.site_id = \(siteID)
              AND backups.status = 'completed' AND backups.retention_until < now()
            ORDER BY backups.retention_until, backups.id
            """)
    }

    private static func targetRelease(
        _ payload: Payload, _ attempt: Attempt, _ database: Database
    ) async throws -> String {
        guard let id = payload.id("target_release_id"), let environmentID = attempt.environmentID else {
            throw Missing("There is no earlier release to go back to.", .rollbackTargetMissing)
        }
        let row: TextRow? = try await database.first(
            "SELECT path FROM releases WHERE id = \(id) AND environment_id = \(environmentID)")
        guard let row else { throw Missing("The earlier release is gone.", .rollbackTargetMissing) }
        return row.text
    }
}

/// A job's payload, read leniently: what was written there has been checked when the job was accepted.
struct Payload {
    private let object: JSONObject

    init(_ object: JSONObject) { self.object = object }

    func text(_ name: String) -> String { object[name]?.string ?? "" }
    func flag(_ name: String) -> Bool? { object[name]?.bool }
    func id(_ name: String) -> UUID? { object[name]?.string.flatMap { UUID($0) } }
    func ids(_ name: String) -> [UUID] { (object[name]?.array ?? []).compactMap { $0.string.flatMap { UUID($0) } } }
}
