import DeploymentControlDomain
import Encoding
import HTTP
import Postgres
import ServiceKit

/// What operators do: the kill switch, and giving up a deployment that is stuck.
struct AdminAPI: Sendable {
    let database: Database
    let desk: MutationDesk
    let release: ReleaseDeployment

    private static let switchPath = "/v1/admin/system/mutations-disabled"
    private static let reasonMax = 240

    var routes: [DeploymentRoute] {
        [
            Route(.get, Self.switchPath, "getMutationsDisabled", needs: .administer, statuses: [200] + Statuses.read, getSwitch),
            Route(.put, Self.switchPath, "setMutationsDisabled", needs: .administer,
                statuses: [200, 400, 413, 415] + Statuses.read, putSwitch),
            Route(.get, "/v1/admin/lock", "getLock", needs: .administer, statuses: [200] + Statuses.read, getLock),
            Route(.post, "/v1/admin/deployments/{deploymentId}/release", "releaseDeployment", needs: .administer,
                statuses: [200, 404] + Statuses.mutation, releaseStuck),
        ]
    }

    private func getSwitch(_ request: Request, _ context: RequestContext) async throws -> Response {
        try await desk.admitRead(context)
        return try await switchAnswer(context)
    }

    /// Exempt from the switch itself.
    private func putSwitch(_ request: Request, _ context: RequestContext) async throws -> Response {
        try await desk.limits.count(.mutate, context)
        let body = try await JSONBody.read(request)
        let (isOn, reason) = try Self.wanted(body)
        let caller = Caller(context)
        try await SwitchSetting.set(
            isOn, reason: reason, by: caller.client, role: caller.role, requestID: caller.requestID, on: database)
        return try await switchAnswer(context)
    }

    private static func wanted(_ body: JSONObject) throws(Refusal) -> (Bool, String) {
        do throws(FieldProblems) {
            return try ObjectReader.read(.object(body), unknownKeys: .ignore) { object in
                let isOn = object.field("mutations_disabled").bool()
                let reason = object.optional("reason")?.string(length: 0...reasonMax) ?? ""
                return isOn.map { ($0, reason) }
            }
        } catch {
            throw .invalidFields(error.problems)
        }
    }

    private func switchAnswer(_ context: RequestContext) async throws -> Response {
        let setting = try await SwitchSetting.read(on: database)
        var json = JSONWriter()
        json.beginObject()
        json.member("mutations_disabled", setting.isOn || desk.killSwitch.isForced)
        json.member("forced", desk.killSwitch.isForced)
        json.member("reason", setting.reason)
        json.member("updated_by", setting.updatedBy)
        json.member("updated_at", setting.updatedAt)
        json.endObject()
        return JSONAnswer.response(.ok, json.finish(), context)
    }

    /// Who holds the global lock, a reservation included.
    private func getLock(_ request: Request, _ context: RequestContext) async throws -> Response {
        try await desk.admitRead(context)
        let row = try await database.first(
            "SELECT \(raw: StoredDeployment.columns) FROM deployment WHERE state IN ('PENDING', 'ACTIVE')"
                as SQL<StoredDeployment>)
        var json = JSONWriter()
        json.beginObject()
        json.member("held", row != nil)
        if let row {
            json.member("deploymentId", row.id.description)
            json.member("state", row.state.rawValue)
            json.member("client", row.client)
            json.member("service", row.service)
            json.member("version", row.version)
            json.member("since", row.createdAt)
            json.member("lastAnswerAt", row.lastAnswerAt)
        }
        json.endObject()
        return JSONAnswer.response(.ok, json.finish(), context)
    }

    private func releaseStuck(_ request: Request, _ context: RequestContext) async throws -> Response {
        let target = request.parameters["deploymentId"] ?? ""
        let call = try await desk.admit(request, context)
        var response = try await release(target, call).response
        response.describeLimit(context)
        return response
    }
}
