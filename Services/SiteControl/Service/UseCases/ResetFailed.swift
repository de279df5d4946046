import Encoding
import Postgres
import SiteControlDomain

/// POST /api/sites/{id}/reset and /api/environments/{id}/reset: the only way out of `failed`, once it is safe.
struct ResetFailed: Sendable {
    let database: Database

    func site(_ id: UUID, by actor: Actor) async throws -> LifecycleStatus {
        try await database.transaction { transaction in
            guard let facts = try await transaction.first(Facts.ofSite(id)) else { throw Refusal.notFound("site") }
            try facts.check()
            _ = try await transaction.group([
                "UPDATE sites SET status = 'active' WHERE id = \(id) AND status = 'failed'",
                AuditLog.append(.random(), actor, .siteReset, .site, id.description, .succeeded),
            ])
            return .active
        }
    }

    func environment(_ id: UUID, by actor: Actor) async throws -> LifecycleStatus {
        try await database.transaction { transaction in
            guard let facts = try await transaction.first(Facts.ofEnvironment(id)) else {
                throw Refusal.notFound("environment")
            }
            try facts.check()
            _ = try await transaction.group([
                "UPDATE environments SET status = 'active' WHERE id = \(id) AND status = 'failed'",
                AuditLog.append(.random(), actor, .environmentReset, .environment, id.description, .succeeded),
            ])
            return .active
        }
    }

    private struct Facts: PostgresRow {
        let status: LifecycleStatus
        /// Checks that do not hold.
        let failed: [String]

        init(_ row: inout RowReader) throws(RowError) {
            status = try row.next()
            failed = try row.next()
        }

        func check() throws(Refusal) {
            guard status == .failed else { throw .resourceNotFailed }
            guard failed.isEmpty else { throw .resetRefused(checks: failed) }
        }

        /// Locks the row: two resets come one after the other.
        static func ofSite(_ id: UUID) -> SQL<Facts> {
            """
            SELECT sites.status, array_remove(ARRAY[
                CASE WHEN EXISTS (SELECT FROM jobs WHERE site_id = sites.id AND status IN ('queued', 'running'))
                    THEN 'no_open_job' END,
                CASE WHEN NOT EXISTS (
                    SELECT FROM environments WHERE id = sites.primary_environment_id AND status = 'active')
                    THEN 'primary_environment_active' END], NULL)
            FROM sites WHERE sites.id = \(id) FOR UPDATE
            """
        }

        static func ofEnvironment(_ id: UUID) -> SQL<Facts> {
            """
            SELECT environments.status, array_remove(ARRAY[
                CASE WHEN EXISTS (SELECT FROM jobs WHERE site_id = environments.site_id AND status IN ('queued', 'running'))
                    THEN 'no_open_job' END,
                CASE WHEN current_release_id IS NULL THEN 'current_release_exists' END,
                CASE WHEN EXISTS (SELECT FROM releases WHERE id = current_release_id AND health_status = 'unhealthy')
                    THEN 'current_release_not_unhealthy' END], NULL)
            FROM environments WHERE environments.id = \(id) FOR UPDATE
            """
        }
    }
}
