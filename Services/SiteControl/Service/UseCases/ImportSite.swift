import Encoding
import Postgres
import SiteControlDomain

/// POST /api/sites/{id}/import: replaces the content of the site's primary environment by that of an archive.
struct ImportSite: Sendable {
    let desk: MutationDesk

    func callAsFunction(_ site: UUID, _ archive: ArchiveURL, by actor: Actor) async throws -> UUID {
        try await AcceptedMutation.accept(on: desk.database) {
            guard let scope = try await desk.database.first(EnvironmentScope.primary(of: site)) else {
                throw Refusal.notFound("site")
            }
            try scope.check(JobType.siteImport.definition)
            let snapshot = UUID.random()
            return desk.mutation(
                .siteImport, scope,
                ["archive_url": .string(archive.text), "snapshot_backup_id": .string(snapshot.description)], by: actor,
                on: (.site, site), rows: [try desk.backupPlanner().pending(snapshot, of: scope.environment.id, .full)])
        }
    }
}
