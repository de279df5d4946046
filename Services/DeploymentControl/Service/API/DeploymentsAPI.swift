import DeploymentControlDomain
import Encoding
import HTTP
import Postgres
import ServiceKit

/// The operations on deployments.
struct DeploymentsAPI: Sendable {
    let desk: MutationDesk
    let store: DeploymentStore
    let follower: ExecutionFollower
    let start: StartDeployment
    let rollBack: RollBackDeployment
    let validate: ValidateDeployment

    static let listDefault = 100
    static let listMax = 500

    var routes: [DeploymentRoute] {
        [
            Route(.post, "/v1/deployments", "createDeployment", needs: .deploy,
                statuses: [201] + Statuses.engineMutation, create),
            Route(.get, "/v1/deployments", "listDeployments", needs: .read, statuses: [200, 400] + Statuses.read, list),
            Route(.post, "/v1/deployments/validate", "validateDeployment", needs: .deploy,
                statuses: [200, 400, 413, 415] + Statuses.read, check),
            Route(.get, "/v1/deployments/{deploymentId}", "getDeployment", needs: .read,
                statuses: [200, 404] + Statuses.read, get),
            Route(.get, "/v1/deployments/{deploymentId}/failures", "listFailures", needs: .read,
                statuses: [200, 404] + Statuses.read, failures),
            Route(.get, "/v1/deployments/{deploymentId}/timeline", "getTimeline", needs: .read,
                statuses: [200, 404] + Statuses.read, timeline),
            Route(.post, "/v1/deployments/{deploymentId}/rollback", "rollBackDeployment", needs: .deploy,
                statuses: [201, 404] + Statuses.engineMutation, undo),
        ]
    }

    private func create(_ request: Request, _ context: RequestContext) async throws -> Response {
        let call = try await desk.admit(request, context)
        return answer(try await start(call), context)
    }

    private func undo(_ request: Request, _ context: RequestContext) async throws -> Response {
        let target = request.parameters["deploymentId"] ?? ""
        let call = try await desk.admit(request, context, allowsEmptyBody: true)
        return answer(try await rollBack(target, call), context)
    }

    private func answer(_ answer: MutationAnswer, _ context: RequestContext) -> Response {
        var response = answer.response
        response.describeLimit(context)
        return response
    }

    private func check(_ request: Request, _ context: RequestContext) async throws -> Response {
        try await desk.killSwitch.refuseIfOn()
        try await desk.admitRead(context)
        let body = try await JSONBody.read(request)
        return JSONAnswer.response(.ok, try await validate(body, Caller(context)), context)
    }

    private func list(_ request: Request, _ context: RequestContext) async throws -> Response {
        try await desk.admitRead(context)
        let query = try QueryReader(request)
        let filter = DeploymentFilter(
            service: try query.text("service"),
            state: try query.value("state", "one of \(DeploymentState.allCases.map(\.rawValue).joined(separator: ", "))") {
                DeploymentState(rawValue: $0)
            },
            before: try query.value("before", "taken from a Link field") { DeploymentCursor($0) })
        let limit = try query.limit(default: Self.listDefault, max: Self.listMax)
        // One more than asked for tells whether there is a next page.
        var records = try await store.list(filter, limit: limit + 1)
        let hasMore = records.count > limit
        if hasMore { records.removeLast() }
        var json = JSONWriter(capacity: 512 * records.count + 16)
        records.map(DeploymentDocument.init).encode(to: &json)
        var response = JSONAnswer.response(.ok, json.finish(), context)
        if hasMore, let last = records.last, let id = UUID(last.id) {
            let cursor = DeploymentCursor(createdAt: Timestamp(microseconds: last.createdAt), id: id)
            response.fields.add("Link", QueryReader.nextPage(request, before: cursor.text))
        }
        return response
    }

    private func get(_ request: Request, _ context: RequestContext) async throws -> Response {
        let (row, isStale) = try await refreshed(request, context)
        var json = JSONWriter()
        DeploymentDocument(record: try await record(row)).encode(to: &json)
        return answer(json.finish(), isStale, context)
    }

    private func failures(_ request: Request, _ context: RequestContext) async throws -> Response {
        let (row, isStale) = try await refreshed(request, context)
        var json = JSONWriter()
        try await record(row).failures.map(FailureDocument.init).encode(to: &json)
        return answer(json.finish(), isStale, context)
    }

    private func timeline(_ request: Request, _ context: RequestContext) async throws -> Response {
        let (row, isStale) = try await refreshed(request, context)
        let record = try await record(row)
        let rollbacks = try await store.rollbacks(of: row.id)
        let events = row.milestones(endedWell: record.failures.isEmpty).timeline(
            rollbacks: rollbacks.map { $0.milestones(endedWell: $0.state != .failed) })
        var json = JSONWriter()
        events.map(TimelineDocument.init).encode(to: &json)
        return answer(json.finish(), isStale, context)
    }

    // MARK: Steps of single reads

    /// Guards, lookup, refresh (reference 2.6).
    private func refreshed(
        _ request: Request, _ context: RequestContext
    ) async throws -> (row: StoredDeployment, isStale: Bool) {
        let id = UUID(request.parameters["deploymentId"] ?? "")
        try await desk.admitRead(context)
        guard let id, let row = try await store.find(id) else { throw Refusal.notFound("deployment") }
        return try await follower.refreshed(row, Caller.engineCall(Caller(context)))
    }

    private func record(_ row: StoredDeployment) async throws -> DeploymentRecord {
        guard let record = try await store.record(row) else { throw Refusal.notFound("deployment") }
        return record
    }

    private func answer(_ body: [UInt8], _ isStale: Bool, _ context: RequestContext) -> Response {
        var response = JSONAnswer.response(.ok, body, context)
        if isStale { response.fields.set("X-Status-Stale", "true") }
        return response
    }
}

/// Statuses that groups of operations share.
enum Statuses {
    static let read = [401, 403, 429, 500, 503]
    static let mutation = [400, 401, 403, 409, 413, 415, 429, 500, 503]
    static let engineMutation = mutation + [502, 504]
}

extension StoredDeployment {
    func milestones(endedWell: Bool) -> Milestones {
        Milestones(
            id: id.description, createdAt: createdAt.microseconds, acceptedAt: acceptedAt?.microseconds,
            finishedAt: finishedAt?.microseconds, endedWell: endedWell)
    }
}

private struct TimelineDocument: JSONEncodable {
    let event: TimelineEvent

    func encode(to json: inout JSONWriter) {
        json.beginObject()
        json.member("key", event.key.rawValue)
        json.member("occurredAt", Timestamp(microseconds: event.at))
        json.member("deploymentId", event.deploymentID)
        json.endObject()
    }
}
