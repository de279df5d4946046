import DeploymentControlDomain
import Encoding

/// Stands where no engine is configured: the service starts, deployments are refused.
struct UnconfiguredEngine: Engine {
    private static let reason = "no engine is configured"

    func start(_ order: PipelineOrder, _ call: EngineCall) async -> StartOutcome { .notStarted(.unavailable) }

    func look(at executionID: String, _ call: EngineCall) async -> LookOutcome { .noAnswer(reason: Self.reason) }

    func find(
        correlationID: UUID, application: String, notBefore: Timestamp, _ call: EngineCall
    ) async -> FindOutcome { .noAnswer(reason: Self.reason) }
}
