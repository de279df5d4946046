import DeploymentControlDomain
import Encoding
import EventLoop
import HTTP
import ServiceKit

/// The operations of builds and artifacts.
struct BuildsAPI: Sendable {
    let desk: MutationDesk
    /// nil where no artifact store is configured.
    let uploads: UploadDesk?
    let capabilities: DailyQuota
    let registrations: DailyQuota
    let capabilityLifetime: Duration

    var routes: [DeploymentRoute] {
        [
            DeploymentRoute(
                .post, "/v1/builds/upload-capability", "issueUploadCapability", needs: .publish,
                statuses: [201, 400, 401, 403, 409, 413, 415, 429, 500, 503], issue),
            DeploymentRoute(
                .put, UploadLink.pattern, "uploadArtifact", access: .open,
                statuses: [200, 201, 400, 401, 408, 411, 429, 500, 503],
                ReceiveArtifact(desk: desk, uploads: uploads).callAsFunction),
            DeploymentRoute(
                .post, "/v1/builds", "registerBuild", needs: .publish,
                statuses: [200, 201, 400, 401, 403, 409, 413, 415, 429, 500, 503], register),
            DeploymentRoute(
                .get, "/v1/builds", "getBuild", needs: .read, statuses: [200, 400, 401, 403, 404, 429, 500, 503], read),
            DeploymentRoute(
                .get, "/v1/services/{service}/versions", "listVersions", needs: .read,
                statuses: [200, 400, 401, 403, 404, 429, 500, 503], list),
        ]
    }

    private func issue(_ request: Request, _ context: RequestContext) async throws -> Response {
        let call = try await desk.admit(request, context)
        let issue = IssueCapability(
            desk: desk, uploads: try configured, quota: capabilities, lifetime: capabilityLifetime)
        return describe(try await issue(call), context)
    }

    private func register(_ request: Request, _ context: RequestContext) async throws -> Response {
        let call = try await desk.admit(request, context)
        let register = RegisterBuild(desk: desk, uploads: try configured, quota: registrations)
        // A client that leaves does not stop it half-way, with its key claimed.
        let answer = try await Task(executorPreference: Loop.current) { try await register(call) }.value
        return describe(answer, context)
    }

    private func read(_ request: Request, _ context: RequestContext) async throws -> Response {
        try await desk.admitRead(context)
        let build = try await ReadBuilds(database: desk.database).one(request)
        return JSONAnswer.response(.ok, build.document, context)
    }

    private func list(_ request: Request, _ context: RequestContext) async throws -> Response {
        try await desk.admitRead(context)
        let page = try await ReadBuilds(database: desk.database).versions(request)
        var json = JSONWriter()
        json.array(page.builds) { json, build in build.write(to: &json) }
        var response = JSONAnswer.response(.ok, json.finish(), context)
        if let next = page.next {
            let limit = (try? request.query["limit"]).flatMap { $0 }.map { "limit=\($0)&" } ?? ""
            response.fields.set("Link", "<\(request.rawPath)?\(limit)before=\(next)>; rel=\"next\"")
        }
        return response
    }

    private var configured: UploadDesk {
        get throws(Refusal) {
            guard let uploads else { throw .vaultUnavailable(reason: "no artifact store is configured") }
            return uploads
        }
    }

    private func describe(_ answer: MutationAnswer, _ context: RequestContext) -> Response {
        var response = answer.response
        response.describeLimit(context)
        return response
    }
}
