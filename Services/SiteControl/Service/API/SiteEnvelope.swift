import Encoding
import HTTP
import Postgres
import ServiceKit

/// The one function through which every error of this API passes.
struct SiteEnvelope: ErrorEnvelope {
    let logger: Logger

    func response(for failure: RequestFailure, context: RequestContext) async -> Response {
        var error = Self.error(of: failure)
        if let cause = Self.hiddenCause(of: failure) {
            logger.error("request failed", .text("request_id", context.requestIDText), .text("cause", cause))
        }
        if error.code == .internalError { error.details.append(("request_id", .string(context.requestIDText))) }
        context.note(.text("code", error.code.rawValue))
        return error.response
    }

    private static func error(of failure: RequestFailure) -> APIError {
        switch failure {
        case .fault(let fault) where fault.status == .serviceUnavailable:
            APIError(.serviceUnavailable, "\(fault.detail).")
        // An id that no path can spell names nothing, like every other malformed one.
        case .fault(let fault) where fault.reason == .badPath: APIError(.notFound, "There is nothing at this path.")
        case .fault(let fault): APIError(.badRequest, status: fault.status, "\(fault.detail).")
        case .notFound, .badPath: APIError(.notFound, "There is nothing at this path.")
        case .methodNotAllowed: APIError(.methodNotAllowed, "This path takes other methods.")
        case .unauthenticated: APIError(.unauthorized, "A session or an access token is needed.")
        case .authenticationUnavailable: APIError.storeAway
        case .forbidden: APIError(.forbidden, "You may not do this.")
        case .handler(let refusal as Refusal): APIError(refusal)
        case .handler(let error as FieldProblems): APIError(.invalidFields(error.problems))
        case .handler(let error as DatabaseError): APIError(error)
        case .handler: APIError.internalFault
        }
    }

    /// What the answer hides, for the log.
    private static func hiddenCause(of failure: RequestFailure) -> String? {
        guard case .handler(let error) = failure, case .database(let cause)? = error as? Refusal else { return nil }
        return cause.description
    }
}
