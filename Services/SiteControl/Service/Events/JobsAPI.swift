import Encoding
import HTTP
import Postgres
import ServiceKit
import SiteControlDomain

/// Jobs as clients read, follow and cancel them.
struct JobsAPI: Sendable {
    let database: Database
    let hub: EventHub
    let authenticator: SessionAuthenticator
    let cancelJob: CancelJob

    var routes: [SiteRoute] {
        [
            Route(.get, "/api/jobs", "listJobs", needs: .read, statuses: Statuses.read + [400], list),
            Route(.get, "/api/jobs/{id}", "getJob", needs: .read, statuses: Statuses.readOne, read),
            Route(.post, "/api/jobs/{id}/cancel", "cancelJob", needs: .operate,
                statuses: Statuses.readOne + [409], cancel),
            Route(.get, "/api/jobs/{id}/events", "followJob", needs: .read,
                statuses: Statuses.readOne + [204, 400, 429], follow),
        ]
    }

    private func list(_ request: Request, _ context: RequestContext) async throws -> Response {
        let filter = try ListQuery.read(request) { query in
            JobFilter(
                site: query.uuid("site_id"), environment: query.uuid("environment_id"),
                status: query.choice("status", JobStatus.self), type: query.choice("type", JobType.self),
                limit: query.limit(), cursor: query.cursor())
        }
        let rows = try await database.query(filter.query)
        return Page.response(rows, limit: filter.limit, request) { PageCursor(at: $0.createdAt, id: $0.id) }
    }

    private func read(_ request: Request, _ context: RequestContext) async throws -> Response {
        guard let job = try await database.first(JobRow.find(try request.id(of: "job"))) else { throw Refusal.notFound("job") }
        return JSONAnswer.response(.ok, encoding: job)
    }

    private func cancel(_ request: Request, _ context: RequestContext) async throws -> Response {
        let status = try await cancelJob(try request.id(of: "job"), by: try Actor(context))
        var json = JSONWriter()
        json.object {
            $0.member("success", true)
            $0.member("status", status.rawValue)
        }
        return JSONAnswer.response(.ok, json.finish())
    }

    /// Server-sent events (HTML standard, 9.2). The first page is read before anything is answered, so that a job which is
    /// not there, and one with nothing left to tell, have a status of their own: 204 tells browsers not to come back.
    private func follow(_ request: Request, _ context: RequestContext) async throws -> Response {
        let job = try request.id(of: "job")
        let after = try EventPosition.read(request)
        guard let identity = context.identity else { throw Refusal.notFound("job") }
        guard let page = try await JobEventPage.read(job, after: after, limits: hub.limits, from: database) else {
            throw Refusal.notFound("job")
        }
        if after > page.newest { throw EventPosition.beyond(page.newest) }
        if page.isLast, page.events.isEmpty { return Response(.noContent) }
        let slot = try hub.open(for: identity.client)
        let stream = EventStream(
            job: job, start: after, identity: identity, hub: hub, database: database, authenticator: authenticator)
        var response = Response(
            .ok, fields: ["Content-Type": "text/event-stream", "X-Accel-Buffering": "no"],
            body: .stream(contentLength: nil) { writer in
                try await stream.write(to: writer, first: page)
                withExtendedLifetime(slot) {}
            })
        response.fields.set("Cache-Control", "no-store")
        return response
    }
}
