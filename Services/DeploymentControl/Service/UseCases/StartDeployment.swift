import DeploymentControlDomain
import Encoding
import Postgres
import ServiceKit

/// POST /v1/deployments.
struct StartDeployment: Sendable {
    let launch: Launch
    let quota: DailyQuota

    func callAsFunction(_ call: MutationCall) async throws -> MutationAnswer {
        try await launch(
            call,
            Launch.Plan(
                quota: quota, action: "DEPLOY", draft: { try await Self.draft(call.body, on: $0) }, choose: nil))
    }

    /// Guards 9 to 13.
    private static func draft(_ body: JSONObject, on transaction: Transaction) async throws -> LaunchDraft {
        let intent = try DeploymentIntent(body)
        let service = try await ServiceRegistry.allowed(intent.service, on: transaction)
        let environment = try intent.allowedEnvironment()
        let version = try intent.wellFormedVersion()
        if service.requiresRegisteredBuild {
            guard try await ServiceRegistry.artifact(service.name, version.text, on: transaction) != nil else {
                throw Refusal.versionNotRegistered
            }
        }
        return LaunchDraft(
            service: service, environment: environment.rawValue, version: version, changeSummary: intent.changeSummary,
            rollbackOf: nil)
    }
}
