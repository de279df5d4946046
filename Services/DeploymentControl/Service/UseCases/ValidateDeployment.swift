import DeploymentControlDomain
import Encoding
import Postgres
import ServiceKit

/// POST /v1/deployments/validate: whether a deployment would pass now, with every guard that it violates. Nothing is consumed,
/// reserved or started.
struct ValidateDeployment: Sendable {
    let database: Database
    let quota: DailyQuota

    /// - Returns: the answer's body.
    func callAsFunction(_ body: JSONObject, _ caller: Caller) async throws -> [UInt8] {
        var violations = Self.shape(body)
        violations += try await allowance(body)
        let quota = try await quota.check(caller.client, on: database)
        if quota.isExhausted { violations.append(.dailyQuota(quota)) }
        let holder = try await Reservation.holder(on: database)
        let isHeld = try await Reservation.isHeld(on: database)
        if isHeld { violations.append(.locked(holder)) }
        var json = JSONWriter()
        json.beginObject()
        json.member("valid", violations.isEmpty)
        json.key("violations")
        json.beginArray()
        for violation in violations { APIError(violation).encodeViolation(to: &json) }
        json.endArray()
        json.key("quota")
        LimitDocument(quota).encode(to: &json)
        json.key("concurrency")
        json.beginObject()
        json.member("inFlight", isHeld ? 1 : 0)
        json.member("limit", 1)
        json.endObject()
        json.endObject()
        return json.finish()
    }

    /// Guards 9, 11 and 12.
    private static func shape(_ body: JSONObject) -> [Refusal] {
        var violations: [Refusal] = []
        do throws(Refusal) {
            _ = try DeploymentIntent(body)
        } catch {
            violations.append(error)
        }
        if let environment = body["environment"], !environment.isNull,
            environment.string.flatMap(DeploymentEnvironment.init(exactly:)) == nil
        {
            violations.append(.invalidEnvironment)
        }
        if let text = body["version"]?.string, Version(text) == nil { violations.append(DeploymentIntent.badVersion) }
        return violations
    }

    /// Guards 10 and 13.
    private func allowance(_ body: JSONObject) async throws -> [Refusal] {
        guard let name = body["service"]?.string else { return [] }
        guard let known = ServiceName(name), let service = try await ServiceRegistry.find(known, on: database) else {
            return [.serviceNotAllowlisted]
        }
        guard service.requiresRegisteredBuild, let version = body["version"]?.string.flatMap({ Version($0) }),
            try await ServiceRegistry.artifact(service.name, version.text, on: database) == nil
        else { return [] }
        return [.versionNotRegistered]
    }
}

/// What is left of a limit.
struct LimitDocument: JSONEncodable {
    let limit: Int
    let used: Int
    let resetAt: Timestamp

    init(_ state: QuotaState) {
        limit = state.quota.limit
        used = state.used
        resetAt = state.resetAt
    }

    init(_ state: RateDecision) {
        limit = state.limit.limit
        used = state.used
        resetAt = state.resetAt
    }

    func encode(to json: inout JSONWriter) {
        json.beginObject()
        json.member("limit", limit)
        json.member("used", used)
        json.member("remaining", max(0, limit - used))
        json.member("resetAt", resetAt)
        json.endObject()
    }
}
