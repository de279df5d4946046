import DeploymentControlDomain
import Encoding
import HTTP
import Postgres
import ServiceKit

/// What a client may know about the service, its own standing and the allowlist.
struct InsightAPI: Sendable {
    let database: Database
    let desk: MutationDesk
    let store: DeploymentStore
    let quotas: DailyQuotas

    static let auditDefault = 200
    static let auditMax = 500

    var routes: [DeploymentRoute] {
        [
            Route(.get, "/v1/health", "getHealth", access: .open, statuses: [200]) { _, _ in
                Response(.ok, contentType: JSONAnswer.contentType, Array(#"{"status":"ok"}"#.utf8))
            },
            Route(.get, "/v1/services", "listServices", needs: .read, statuses: [200] + Statuses.read, services),
            Route(.get, "/v1/services/{service}/running", "getRunning", needs: .read, statuses: [200, 404] + Statuses.read,
                running),
            Route(.get, "/v1/whoami", "whoami", access: .authenticated, statuses: [200, 401, 429, 500, 503], whoami),
            Route(.get, "/v1/limits", "getLimits", access: .authenticated, statuses: [200, 401, 429, 500, 503], limits),
            Route(.get, "/v1/audit/events", "listAuditEvents", needs: .administer,
                statuses: [200, 400] + Statuses.read, audit),
        ]
    }

    private func services(_ request: Request, _ context: RequestContext) async throws -> Response {
        try await desk.admitRead(context)
        let all = try await ServiceRegistry.all(on: database)
        var json = JSONWriter()
        json.beginArray()
        for service in all {
            json.beginObject()
            json.member("name", service.name)
            json.member("requiresRegisteredBuild", service.requiresRegisteredBuild)
            json.endObject()
        }
        json.endArray()
        return JSONAnswer.response(.ok, json.finish(), context)
    }

    /// null where nothing has succeeded yet.
    private func running(_ request: Request, _ context: RequestContext) async throws -> Response {
        let name = request.parameters["service"] ?? ""
        try await desk.admitRead(context)
        guard let known = ServiceName(name), try await ServiceRegistry.find(known, on: database) != nil else {
            throw Refusal.notFound("service")
        }
        let record = try await store.running(known.text)
        var json = JSONWriter()
        record.map(DeploymentDocument.init).encode(to: &json)
        return JSONAnswer.response(.ok, json.finish(), context)
    }

    private func whoami(_ request: Request, _ context: RequestContext) async throws -> Response {
        try await desk.admitRead(context)
        let role = DeploymentRole(rawValue: context.identity?.role ?? "")
        var json = JSONWriter()
        json.beginObject()
        json.member("client", context.identity?.client ?? "")
        json.member("role", context.identity?.role ?? "")
        json.member("tokenId", context.identity?.credentialID ?? "")
        json.member("permissions", (role?.permissions ?? []).map(\.rawValue).sorted())
        json.endObject()
        return JSONAnswer.response(.ok, json.finish(), context)
    }

    /// Looks, and takes nothing: but this request itself is one of the minute's reads.
    private func limits(_ request: Request, _ context: RequestContext) async throws -> Response {
        let client = context.identity?.client ?? ""
        try await desk.admitRead(context)
        var json = JSONWriter()
        json.beginObject()
        json.key("perMinute")
        json.beginObject()
        for bucket in RequestLimits.Bucket.allCases {
            json.key(dynamic: bucket.rawValue)
            LimitDocument(try await desk.limits.limiter.state(of: client, desk.limits.limit(of: bucket))).encode(to: &json)
        }
        json.endObject()
        json.key("perDay")
        json.beginObject()
        for quota in quotas.all {
            json.key(dynamic: quota.name)
            LimitDocument(try await quota.check(client, on: database)).encode(to: &json)
        }
        json.endObject()
        json.endObject()
        return JSONAnswer.response(.ok, json.finish(), context)
    }

    private func audit(_ request: Request, _ context: RequestContext) async throws -> Response {
        try await desk.admitRead(context)
        let query = try QueryReader(request)
        let time = "an RFC 3339 date and time"
        let filter = AuditEvents.Filter(
            action: try query.text("action"), actor: try query.text("actor"),
            outcome: try query.value("outcome", "one of \(AuditEvent.Outcome.allCases.map(\.rawValue).joined(separator: ", "))") {
                AuditEvent.Outcome(rawValue: $0)?.rawValue
            },
            targetID: try query.text("targetId"), since: try query.value("since", time) { Timestamp($0) },
            until: try query.value("until", time) { Timestamp($0) },
            before: try query.value("before", "an event's id") { Int(pathParameter: $0).flatMap(Int64.init(exactly:)) })
        let limit = try query.limit(default: Self.auditDefault, max: Self.auditMax)
        var events = try await AuditEvents.list(filter, limit: limit + 1, on: database)
        let hasMore = events.count > limit
        if hasMore { events.removeLast() }
        var json = JSONWriter(capacity: 256 * events.count + 16)
        events.encode(to: &json)
        var response = JSONAnswer.response(.ok, json.finish(), context)
        if hasMore, let last = events.last { response.fields.add("Link", QueryReader.nextPage(request, before: "\(last.id)")) }
        return response
    }
}

/// The four quotas of a UTC day.
struct DailyQuotas: Sendable {
    let deployments: DailyQuota
    let rollbacks: DailyQuota
    let buildRegistrations: DailyQuota
    let uploadCapabilities: DailyQuota

    init(_ configuration: Configuration) {
        deployments = DailyQuota("deployments", limit: configuration[ServiceVariables.dailyDeployments])
        rollbacks = DailyQuota("rollbacks", limit: configuration[ServiceVariables.dailyRollbacks])
        buildRegistrations = DailyQuota("buildRegistrations", limit: configuration[ServiceVariables.dailyBuilds])
        uploadCapabilities = DailyQuota("uploadCapabilities", limit: configuration[ServiceVariables.dailyUploads])
    }

    var all: [DailyQuota] { [deployments, rollbacks, buildRegistrations, uploadCapabilities] }
}
