import HTTP
import ServiceKit
import ValidationDecisionDomain

extension Conclusion {
    /// What a failure that has no answer of its handler comes to. Every one is a BLOCK.
    init(_ failure: RequestFailure, scenario: Scenario?) {
        switch failure {
        case .fault(let fault): self.init(fault, scenario: scenario)
        case .notFound: self.init(scenario, .unknownPath("there is nothing at this path"))
        case .methodNotAllowed(let allow):
            self.init(scenario, .methodNotAllowed("this path takes \(allow.map(\.token).joined(separator: ", "))"))
        case .badPath: self.init(scenario, .invalidQuery(["the path is malformed"]))
        case .unauthenticated: self.init(scenario, .unauthenticated("a valid bearer token is required"))
        case .authenticationUnavailable: self.init(scenario, .internalFailure("tokens cannot be checked at the moment"))
        case .forbidden:
            self.init(scenario, .unauthenticated("the token's role does not allow this"), status: .forbidden)
        case .handler(let error): self.init(scenario, error: error)
        }
    }

    private init(_ fault: HTTPFault, scenario: Scenario?) {
        let evaluation: Evaluation =
            fault.status.code < 500
            ? .unparseableBody(fault.detail, of: .multipart) : .internalFailure(fault.detail)
        self.init(scenario, evaluation, status: fault.status)
    }

    private init(_ scenario: Scenario?, error: any Error) {
        if let problem = error as? QueryProblems {
            self.init(scenario, .invalidQuery(problem.lines))
        } else {
            self.init(scenario, .internalFailure("the request could not be completed"))
        }
    }
}

/// What is wrong with a query, one line each.
struct QueryProblems: Error {
    let lines: [String]
}
