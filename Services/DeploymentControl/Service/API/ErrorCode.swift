import HTTP

/// Every code that a client may be answered with, and its status. Clients branch on the code, never on the message.
enum ErrorCode: String, Sendable, CaseIterable {
    case invalidRequest = "INVALID_REQUEST"
    case invalidEnvironment = "INVALID_ENVIRONMENT"
    case idempotencyKeyRequired = "IDMP_KEY_REQUIRED"
    case invalidArtifact = "INVALID_ARTIFACT"
    case versionNotFound = "VERSION_NOT_FOUND"
    case noPriorSuccessfulVersion = "NO_PRIOR_SUCCESSFUL_VERSION"
    case rollbackOfRollback = "ROLLBACK_OF_ROLLBACK"
    case unauthorized = "UNAUTHORIZED"
    case roleForbidden = "ROLE_FORBIDDEN"
    case serviceNotAllowlisted = "SERVICE_NOT_ALLOWLISTED"
    case notFound = "NOT_FOUND"
    case methodNotAllowed = "METHOD_NOT_ALLOWED"
    case deploymentLocked = "DEPLOYMENT_LOCKED"
    case idempotencyConflict = "IDEMPOTENCY_CONFLICT"
    case idempotencyInProgress = "IDEMPOTENCY_IN_PROGRESS"
    case buildRegistrationConflict = "BUILD_REGISTRATION_CONFLICT"
    case deploymentNotReleasable = "DEPLOYMENT_NOT_RELEASABLE"
    case rateLimited = "RATE_LIMITED"
    case internalError = "INTERNAL_ERROR"
    case engineCallFailed = "ENGINE_CALL_FAILED"
    case engineUnauthorized = "ENGINE_UNAUTHORIZED"
    case engineMisconfigured = "ENGINE_MISCONFIGURED"
    case mutationsDisabled = "MUTATIONS_DISABLED"
    case engineUnavailable = "ENGINE_UNAVAILABLE"
    case storageUnavailable = "STORAGE_UNAVAILABLE"
    case engineTimeout = "ENGINE_TIMEOUT"

    /// The usual status. INVALID_REQUEST is also said with 411, 413, 415 and those of HTTP itself.
    var status: HTTPStatus {
        switch self {
        case .invalidRequest, .invalidEnvironment, .idempotencyKeyRequired, .invalidArtifact, .versionNotFound,
            .noPriorSuccessfulVersion, .rollbackOfRollback:
            .badRequest
        case .unauthorized: .unauthorized
        case .roleForbidden, .serviceNotAllowlisted: .forbidden
        case .notFound: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .deploymentLocked, .idempotencyConflict, .idempotencyInProgress, .buildRegistrationConflict,
            .deploymentNotReleasable:
            .conflict
        case .rateLimited: .tooManyRequests
        case .internalError: .internalServerError
        case .engineCallFailed, .engineUnauthorized, .engineMisconfigured: .badGateway
        case .mutationsDisabled, .engineUnavailable, .storageUnavailable: .serviceUnavailable
        case .engineTimeout: .gatewayTimeout
        }
    }
}
