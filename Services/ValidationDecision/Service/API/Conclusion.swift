import HTTP
import ValidationDecisionDomain

/// What a request of the API comes to, before it is recorded and answered.
struct Conclusion {
    /// nil where the path belongs to no scenario.
    var scenario: Scenario?
    var evaluation: Evaluation
    var status: HTTPStatus
    var hashes = ArtifactHashes()
    /// Stands for all artifacts of the request; nil where nothing was hashed.
    var inputDigest: ContentDigest?
    /// What a reference manifest names; nil records the service's own.
    var policyVersion: PolicyVersion?
    var changeID: String?

    /// - Parameter status: where HTTP has a more precise word than the class of the evaluation.
    init(_ scenario: Scenario?, _ evaluation: Evaluation, status: HTTPStatus? = nil) {
        self.scenario = scenario
        self.evaluation = evaluation
        self.status = status ?? evaluation.statusClass.status
    }

    init<Input>(_ scenario: Scenario, _ evaluation: Evaluation, _ intake: Intake<Input>) {
        self.init(scenario, evaluation)
        hashes = intake.hashes
        inputDigest = intake.digest
    }
}

extension StatusClass {
    /// The one place where an outcome becomes a status number (section 8.8 of the contract).
    var status: HTTPStatus {
        switch self {
        case .judged: .ok
        case .malformedInput: .badRequest
        case .unauthenticated: .unauthorized
        case .unknownPath: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .internalFailure: .internalServerError
        }
    }
}
