import Encoding
import HTTP
import Postgres
import ServiceKit
import SiteControlDomain

/// Backups of an environment.
struct BackupsAPI: Sendable {
    let database: Database
    let change: ChangeEnvironment

    var routes: [SiteRoute] {
        [
            Route(
                .get, "/api/environments/{id}/backups", "listBackups", needs: .read, statuses: Statuses.readOne, list),
            Route(
                .post, "/api/environments/{id}/backups", "createBackup", needs: .operate,
                statuses: Statuses.mutationWithBody, create),
        ]
    }

    private func list(_ request: Request, _ context: RequestContext) async throws -> Response {
        let environment = try request.id(of: "environment")
        let backups = try await database.query(BackupRow.all(of: environment))
        if backups.isEmpty { try await database.requireEnvironment(environment) }
        return JSONAnswer.response(.ok, encoding: backups)
    }

    private func create(_ request: Request, _ context: RequestContext) async throws -> Response {
        let environment = try request.id(of: "environment")
        let scope = try await JSONBody.read(request) { $0.field("backup_scope").enumeration(BackupScope.self) }
        let job = try await change.backUp(environment, scope, by: try Actor(context))
        return JSONAnswer.response(.accepted, encoding: AcceptedJob(id: job))
    }
}

extension Database {
    /// - Throws: `Refusal.notFound` where there is no such environment.
    func requireEnvironment(_ id: UUID) async throws {
        let exists = try await one("SELECT EXISTS (SELECT FROM environments WHERE id = \(id))" as SQL<Bool>)
        if !exists { throw Refusal.notFound("environment") }
    }
}
