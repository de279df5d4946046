import Encoding
import Postgres
import ServiceKit
import SiteControlDomain

/// What use cases have in common: the database and the installation's rules.
struct MutationDesk: Sendable {
    let database: Database
    let maxAttempts: Int
    let freshness: Freshness
    let importSchemes: [String]
    /// nil where backups are not possible.
    let backups: BackupPlanner?

    init(database: Database, _ configuration: Configuration) {
        self.database = database
        maxAttempts = configuration[ServiceVariables.jobMaxAttempts]
        freshness = Freshness(maxAge: configuration[ServiceVariables.promotionFreshness])
        importSchemes = configuration[ServiceVariables.importSchemes]
        backups = configuration[ServiceVariables.backupBucket].map {
            BackupPlanner(bucket: $0, retention: configuration[ServiceVariables.backupRetention])
        }
    }

    /// A mutation of one environment.
    func mutation(
        _ type: JobType, _ scope: EnvironmentScope, _ payload: JSONValue, by actor: Actor,
        on resource: (AuditLog.Resource, UUID)? = nil, rows: [SQLFragment] = []
    ) -> AcceptedMutation {
        let (kind, id) = resource ?? (.environment, scope.environment.id)
        return AcceptedMutation(
            job: .random(), type: type, site: scope.environment.siteID, environment: scope.environment.id,
            node: scope.environment.nodeID, payload: payload, maxAttempts: maxAttempts, actor: actor, resource: kind,
            resourceID: id, guardedBy: scope.unchanged, rows: rows)
    }

    /// - Throws: `storage_not_configured`.
    func backupPlanner() throws(Refusal) -> BackupPlanner {
        guard let backups else { throw .conflict(.storageNotConfigured) }
        return backups
    }
}

/// Where backups will lie, and for how long.
struct BackupPlanner: Sendable {
    /// Folder within the bucket.
    static let prefix = "backups"

    let bucket: String
    let retention: Duration

    /// Writes the row of a backup that is still to be taken, with the job that takes it.
    func pending(_ id: UUID, of environment: UUID, _ scope: BackupScope) -> SQLFragment {
        let path = BackupPath(
            bucket: bucket, prefix: Self.prefix, environmentID: environment.description, backupID: id.description)
        return """
            backup AS (
                INSERT INTO backups (id, environment_id, backup_scope, status, storage_path, retention_until)
                SELECT \(id), \(environment), \(scope), 'pending', \(path.text),
                    now() + \(retention.inMicroseconds) * interval '1 microsecond'
                FROM job)
            """
    }
}

extension Duration {
    /// Whole microseconds, for intervals in SQL.
    var inMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        return seconds &* 1_000_000 &+ attoseconds / 1_000_000_000_000
    }
}
