import DeploymentControlDomain
import Encoding
import Postgres
import ServiceKit

/// POST /v1/deployments/{deploymentId}/rollback: undoes a deployment by running the version that was good before it.
struct RollBackDeployment: Sendable {
    let launch: Launch
    let quota: DailyQuota

    /// - Parameter target: as it stands in the path.
    func callAsFunction(_ target: String, _ call: MutationCall) async throws -> MutationAnswer {
        try await launch(
            call,
            Launch.Plan(
                quota: quota, action: "ROLLBACK",
                draft: { try await Self.draft(target, try Self.summary(call.body), on: $0) },
                choose: { try await Self.choose($0, try Self.summary(call.body), for: $1, in: $2) }))
    }

    /// Guards 9 to 13. The version is the target's until the lock is held.
    private static func draft(
        _ target: String, _ given: ChangeSummary?, on transaction: Transaction
    ) async throws -> LaunchDraft {
        guard let id = UUID(target),
            let row = try await transaction.first(
                "SELECT \(raw: StoredDeployment.columns) FROM deployment WHERE id = \(id) AND state <> 'PENDING'"
                    as SQL<StoredDeployment>),
            let version = Version(row.version)
        else { throw Refusal.notFound("deployment") }
        let service = try await ServiceRegistry.allowed(row.service, on: transaction)
        guard DeploymentEnvironment(exactly: row.environment) != nil else { throw Refusal.invalidEnvironment }
        if row.kind == .rollback { throw Refusal.rollbackOfRollback }
        if row.state == .rolledBack { throw Refusal.alreadyRolledBack }
        return LaunchDraft(
            service: service, environment: row.environment, version: version,
            changeSummary: given ?? ChangeSummary(rollbackOf: row.id.description, to: version), rollbackOf: row.id)
    }

    /// Guard 16: the most recent success before the target, of another version. By sequence, immune to equal times.
    private static func choose(
        _ draft: LaunchDraft, _ given: ChangeSummary?, for id: UUID, in transaction: Transaction
    ) async throws -> LaunchDraft {
        guard let target = draft.rollbackOf,
            let found = try await transaction.first(
                """
                SELECT earlier.version FROM deployment AS earlier, deployment AS target
                WHERE target.id = \(target) AND earlier.service = target.service
                    AND earlier.environment = target.environment AND earlier.state = 'SUCCEEDED'
                    AND earlier.seq < target.seq AND earlier.version <> target.version
                ORDER BY earlier.seq DESC LIMIT 1
                """ as SQL<String>),
            let version = Version(found)
        else { throw Refusal.noPriorSuccessfulVersion }
        var draft = draft
        draft.version = version
        draft.changeSummary = given ?? ChangeSummary(rollbackOf: target.description, to: version)
        try await Reservation.choose(version, draft.changeSummary, for: id, in: transaction)
        return draft
    }

    /// The caller's own summary, where there is one.
    private static func summary(_ body: JSONObject) throws(Refusal) -> ChangeSummary? {
        guard let value = body["changeSummary"], !value.isNull else { return nil }
        do throws(FieldProblems) {
            return try ObjectReader.read(.object(body), unknownKeys: .ignore) { object in
                DeploymentIntent.summary(object.field("changeSummary"))
            }
        } catch {
            throw .invalidFields(error.problems)
        }
    }
}
