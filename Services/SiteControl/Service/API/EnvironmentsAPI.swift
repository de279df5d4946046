import Encoding
import HTTP
import Postgres
import ServiceKit
import SiteControlDomain

/// What is done with one environment.
struct EnvironmentsAPI: Sendable {
    let database: Database
    let change: ChangeEnvironment
    let restore: RestoreEnvironment
    let promote: PromoteEnvironment
    let reset: ResetFailed
    let magicLogin: any MagicLogin

    var routes: [SiteRoute] {
        [
            Route(.get, "/api/environments/{id}", "getEnvironment", needs: .read, statuses: Statuses.readOne, get),
            async("/api/environments/{id}/drift-check", "checkDrift", Statuses.mutation, checkDrift),
            async("/api/environments/{id}/deploy", "deployEnvironment", Statuses.mutationWithBody, deploy),
            async("/api/environments/{id}/updates", "updateEnvironment", Statuses.mutationWithBody, update),
            async("/api/environments/{id}/restore", "restoreEnvironment", Statuses.mutationWithBody, restoreBackup),
            async("/api/environments/{id}/promote", "promoteEnvironment", Statuses.mutationWithBody, promoteToTarget),
            async("/api/environments/{id}/cache", "setCaches", Statuses.mutationWithBody, method: .patch, setCaches),
            async("/api/environments/{id}/cache/purge", "purgeCaches", Statuses.mutation, purgeCaches),
            Route(
                .post, "/api/environments/{id}/magic-login", "createMagicLogin", needs: .operate,
                statuses: [200, 401, 403, 404, 409, 500, 502, 503], logIn),
            Route(
                .post, "/api/environments/{id}/reset", "resetEnvironment", needs: .operate, statuses: Statuses.reset,
                resetEnvironment),
        ]
    }

    /// A handler that makes a job of an environment and answers with its id.
    private func async(
        _ pattern: String, _ operationID: String, _ statuses: [Int], method: HTTPMethod = .post,
        _ accept: @escaping @Sendable (UUID, Request, Actor) async throws -> UUID
    ) -> SiteRoute {
        Route(method, pattern, operationID, needs: .operate, statuses: statuses) { request, context in
            let job = try await accept(try request.id(of: "environment"), request, try Actor(context))
            return JSONAnswer.response(.accepted, encoding: AcceptedJob(id: job))
        }
    }

    private func get(_ request: Request, _ context: RequestContext) async throws -> Response {
        let id = try request.id(of: "environment")
        guard let environment = try await database.first(EnvironmentRow.find(id)) else {
            throw Refusal.notFound("environment")
        }
        return JSONAnswer.response(.ok, encoding: environment)
    }

    private func checkDrift(_ environment: UUID, _ request: Request, _ actor: Actor) async throws -> UUID {
        try await promote.checkDrift(environment, by: actor)
    }

    private func deploy(_ environment: UUID, _ request: Request, _ actor: Actor) async throws -> UUID {
        let (type, reference) = try await JSONBody.read(request) { object -> (SourceType, SourceReference)? in
            let type = object.field("source_type").enumeration(SourceType.self)
            let reference = object.field("source_ref").sourceReference()
            guard let type, let reference else { return nil }
            return (type, reference)
        }
        return try await change.deploy(environment, type, reference, by: actor)
    }

    private func update(_ environment: UUID, _ request: Request, _ actor: Actor) async throws -> UUID {
        let scope = try await JSONBody.read(request) { $0.field("scope").enumeration(UpdateScope.self) }
        return try await change.update(environment, scope, by: actor)
    }

    private func restoreBackup(_ environment: UUID, _ request: Request, _ actor: Actor) async throws -> UUID {
        let backup = try await JSONBody.read(request) { $0.field("backup_id").uuid() }
        return try await restore(environment, from: backup, by: actor)
    }

    private func promoteToTarget(_ environment: UUID, _ request: Request, _ actor: Actor) async throws -> UUID {
        let target = try await JSONBody.read(request) { $0.field("target_environment_id").uuid() }
        return try await promote(environment, to: target, by: actor)
    }

    private func setCaches(_ environment: UUID, _ request: Request, _ actor: Actor) async throws -> UUID {
        let flags = try await JSONBody.read(request) { object -> CacheFlags? in
            // A flag that is there is a boolean: null is none.
            let fastCGI = object.has("fastcgi_cache_enabled") ? object.field("fastcgi_cache_enabled").bool() : nil
            let redis = object.has("redis_cache_enabled") ? object.field("redis_cache_enabled").bool() : nil
            let flags = CacheFlags(fastCGI: fastCGI, redis: redis)
            if !object.has("fastcgi_cache_enabled"), !object.has("redis_cache_enabled") {
                object.problem(.missing, "must have fastcgi_cache_enabled or redis_cache_enabled")
            }
            return flags
        }
        return try await change.setCaches(environment, flags, by: actor)
    }

    private func purgeCaches(_ environment: UUID, _ request: Request, _ actor: Actor) async throws -> UUID {
        try await change.purgeCaches(environment, by: actor)
    }

    private func logIn(_ request: Request, _ context: RequestContext) async throws -> Response {
        let link = try await magicLogin(try request.id(of: "environment"), by: try Actor(context))
        var json = JSONWriter()
        json.object { json in
            json.member("login_url", link.url)
            json.member("expires_at", link.expiresAt)
        }
        var response = JSONAnswer.response(.ok, json.finish())
        response.fields.set("Cache-Control", "no-store")
        return response
    }

    private func resetEnvironment(_ request: Request, _ context: RequestContext) async throws -> Response {
        let status = try await reset.environment(try request.id(of: "environment"), by: try Actor(context))
        return JSONAnswer.response(.ok, encoding: ResetDocument(status: status))
    }
}
