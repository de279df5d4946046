import HTTP
import Postgres
import ServiceKit

/// The one function through which every error of this API passes.
struct DeploymentEnvelope: ErrorEnvelope {
    let logger: Logger

    func response(for failure: RequestFailure, context: RequestContext) async -> Response {
        let error = Self.error(of: failure)
        if let cause = Self.hiddenCause(of: failure) {
            logger.error("request failed", .text("request_id", context.requestIDText), .text("cause", cause))
        }
        context.note(.text("code", error.code.rawValue))
        var response = error.response(requestID: context.requestIDText)
        response.describeLimit(context)
        if let retryAfter = error.retryAfter { response.fields.set("Retry-After", "\(retryAfter)") }
        return response
    }

    private static func error(of failure: RequestFailure) -> APIError {
        switch failure {
        case .fault(let fault): APIError(.invalidRequest, status: fault.status, "\(fault.detail).")
        case .notFound, .badPath: APIError(.notFound, "There is nothing at this path.")
        case .methodNotAllowed: APIError(.methodNotAllowed, "This path takes other methods.")
        case .unauthenticated: APIError(.unauthorized, "A valid access token is needed.")
        case .authenticationUnavailable: APIError(Refusal.database(.unavailable(reason: "", outcomeUnknown: false)))
        case .forbidden: APIError(.roleForbidden, "Your role does not allow this.")
        case .handler(let refusal as Refusal): APIError(refusal)
        case .handler(let error as DatabaseError): APIError(error)
        case .handler: APIError(.internalError, "Something failed here. It is noted under this request's id.")
        }
    }

    /// What the answer hides, for the log.
    private static func hiddenCause(of failure: RequestFailure) -> String? {
        guard case .handler(let error) = failure, let refusal = error as? Refusal else { return nil }
        switch refusal {
        case .database(let error): return error.description
        case .vaultUnavailable(let reason): return reason
        default: return nil
        }
    }
}
