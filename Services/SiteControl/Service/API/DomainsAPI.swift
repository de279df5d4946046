import Encoding
import HTTP
import Postgres
import ServiceKit
import SiteControlDomain

/// Hostnames of an environment.
struct DomainsAPI: Sendable {
    let database: Database
    let change: ChangeDomains

    var routes: [SiteRoute] {
        [
            Route(
                .get, "/api/environments/{id}/domains", "listDomains", needs: .read, statuses: Statuses.readOne, list),
            Route(
                .post, "/api/environments/{id}/domains", "addDomain", needs: .operate,
                statuses: Statuses.mutationWithBody, add),
            Route(.delete, "/api/domains/{id}", "removeDomain", needs: .operate, statuses: Statuses.mutation, remove),
        ]
    }

    private func list(_ request: Request, _ context: RequestContext) async throws -> Response {
        let environment = try request.id(of: "environment")
        let domains = try await database.query(DomainRow.all(of: environment))
        if domains.isEmpty { try await database.requireEnvironment(environment) }
        return JSONAnswer.response(.ok, encoding: domains)
    }

    private func add(_ request: Request, _ context: RequestContext) async throws -> Response {
        let environment = try request.id(of: "environment")
        let hostname = try await JSONBody.read(request) { $0.field("hostname").hostname() }
        let job = try await change.add(hostname, to: environment, by: try Actor(context))
        return JSONAnswer.response(.accepted, encoding: AcceptedJob(id: job))
    }

    private func remove(_ request: Request, _ context: RequestContext) async throws -> Response {
        let job = try await change.remove(try request.id(of: "domain"), by: try Actor(context))
        return JSONAnswer.response(.accepted, encoding: AcceptedJob(id: job))
    }
}
