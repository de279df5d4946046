import Encoding
import HTTP
import Postgres
import ServiceKit
import SiteControlDomain

/// Sites, and the environments of a site.
struct SitesAPI: Sendable {
    let database: Database
    let createSite: CreateSite
    let createEnvironment: CreateEnvironment
    let importSite: ImportSite
    let reset: ResetFailed

    var routes: [SiteRoute] {
        [
            Route(.get, "/api/sites", "listSites", needs: .read, statuses: Statuses.read, list),
            Route(
                .post, "/api/sites", "createSite", needs: .operate, statuses: [202, 400, 401, 403, 409, 500, 503], create),
            Route(.get, "/api/sites/{id}", "getSite", needs: .read, statuses: Statuses.readOne, get),
            Route(
                .get, "/api/sites/{id}/environments", "listEnvironments", needs: .read, statuses: Statuses.readOne,
                listEnvironments),
            Route(
                .post, "/api/sites/{id}/environments", "createEnvironment", needs: .operate,
                statuses: Statuses.mutationWithBody, addEnvironment),
            Route(
                .post, "/api/sites/{id}/import", "importSite", needs: .operate, statuses: Statuses.mutationWithBody,
                importArchive),
            Route(.post, "/api/sites/{id}/reset", "resetSite", needs: .operate, statuses: Statuses.reset, resetSite),
        ]
    }

    private func list(_ request: Request, _ context: RequestContext) async throws -> Response {
        let sites = try await database.query(SiteRow.all)
        return JSONAnswer.response(.ok, encoding: sites)
    }

    private func create(_ request: Request, _ context: RequestContext) async throws -> Response {
        let draft = try await JSONBody.read(request) { object -> CreateSite.Draft? in
            let (name, slug) = (object.field("name").displayName(), object.field("slug").slug())
            guard let name, let slug else { return nil }
            return CreateSite.Draft(name: name, slug: slug)
        }
        let job = try await createSite(draft, by: try Actor(context))
        return JSONAnswer.response(.accepted, encoding: AcceptedJob(id: job))
    }

    private func get(_ request: Request, _ context: RequestContext) async throws -> Response {
        let id = try request.id(of: "site")
        guard let site = try await database.first(SiteRow.find(id)) else { throw Refusal.notFound("site") }
        return JSONAnswer.response(.ok, encoding: site)
    }

    private func listEnvironments(_ request: Request, _ context: RequestContext) async throws -> Response {
        let environments = try await database.query(EnvironmentRow.all(of: try request.id(of: "site")))
        // A site has had one from the beginning.
        if environments.isEmpty { throw Refusal.notFound("site") }
        return JSONAnswer.response(.ok, encoding: environments)
    }

    private func addEnvironment(_ request: Request, _ context: RequestContext) async throws -> Response {
        let site = try request.id(of: "site")
        let draft = try await JSONBody.read(request) { object -> CreateEnvironment.Draft? in
            let (name, slug) = (object.field("name").displayName(), object.field("slug").slug())
            let type = object.field("type").enumeration(EnvironmentType.self)
            let preset = object.field("promotion_preset").enumeration(PromotionPreset.self)
            let source = object.optional("source_environment_id")?.uuid()
            guard let name, let slug, let type, let preset else { return nil }
            return CreateEnvironment.Draft(name: name, slug: slug, type: type, preset: preset, source: source)
        }
        let job = try await createEnvironment(site, draft, by: try Actor(context))
        return JSONAnswer.response(.accepted, encoding: AcceptedJob(id: job))
    }

    private func importArchive(_ request: Request, _ context: RequestContext) async throws -> Response {
        let site = try request.id(of: "site")
        let schemes = importSite.desk.importSchemes
        let archive = try await JSONBody.read(request) { $0.field("archive_url").archiveURL(schemes: schemes) }
        let job = try await importSite(site, archive, by: try Actor(context))
        return JSONAnswer.response(.accepted, encoding: AcceptedJob(id: job))
    }

    private func resetSite(_ request: Request, _ context: RequestContext) async throws -> Response {
        let status = try await reset.site(try request.id(of: "site"), by: try Actor(context))
        return JSONAnswer.response(.ok, encoding: ResetDocument(status: status))
    }
}
