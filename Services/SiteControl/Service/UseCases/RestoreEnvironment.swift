import Encoding
import Postgres
import SiteControlDomain

/// POST /api/environments/{id}/restore: from a backup of any environment of the same site.
struct RestoreEnvironment: Sendable {
    let desk: MutationDesk

    func callAsFunction(_ environment: UUID, from backup: UUID, by actor: Actor) async throws -> UUID {
        try await AcceptedMutation.accept(on: desk.database) {
            guard let scope = try await desk.database.first(EnvironmentScope.of(environment)) else {
                throw Refusal.notFound("environment")
            }
            guard let stored = try await desk.database.first(StoredBackup.find(backup)) else {
                throw Refusal.notFound("backup")
            }
            guard stored.siteID == scope.environment.siteID else {
                throw Refusal.invalidFields([
                    FieldProblem(pointer: "/backup_id", kind: .invalid, message: "must be a backup of this site")
                ])
            }
            try scope.check(JobType.environmentRestore.definition)
            guard stored.status == .completed else { throw Refusal.conflict(.backupNotCompleted) }
            let snapshot = UUID.random()
            return desk.mutation(
                .environmentRestore, scope,
                ["backup_id": .string(backup.description), "snapshot_backup_id": .string(snapshot.description)],
                by: actor, rows: [try desk.backupPlanner().pending(snapshot, of: environment, .full)])
        }
    }

    private struct StoredBackup: PostgresRow {
        let status: BackupStatus
        let siteID: UUID

        init(_ row: inout RowReader) throws(RowError) {
            status = try row.next()
            siteID = try row.next()
        }

        static func find(_ id: UUID) -> SQL<StoredBackup> {
            """
            SELECT backups.status, environments.site_id
            FROM backups JOIN environments ON environments.id = backups.environment_id WHERE backups.id = \(id)
            """
        }
    }
}
