import HTTP

/// Every code that a client may be answered with, and its status. Append-only: codes are never renamed.
enum ErrorCode: String, Sendable, CaseIterable {
    case badRequest = "bad_request"
    case unauthorized
    case forbidden
    case notFound = "not_found"
    case methodNotAllowed = "method_not_allowed"
    case conflict
    case environmentNotActive = "environment_not_active"
    case jobNotCancellable = "job_not_cancellable"
    case resourceNotFailed = "resource_not_failed"
    case resetValidationFailed = "reset_validation_failed"
    case tooManyRequests = "too_many_requests"
    case internalError = "internal_error"
    case nodeUnreachable = "node_unreachable"
    case wpCLIError = "wp_cli_error"
    case serviceUnavailable = "service_unavailable"

    /// The usual status. `bad_request` is also said with the statuses of HTTP itself: 408, 414, 431 and the like.
    var status: HTTPStatus {
        switch self {
        case .badRequest: .badRequest
        case .unauthorized: .unauthorized
        case .forbidden: .forbidden
        case .notFound: .notFound
        case .methodNotAllowed: .methodNotAllowed
        case .conflict, .environmentNotActive, .jobNotCancellable, .resourceNotFailed, .resetValidationFailed: .conflict
        case .tooManyRequests: .tooManyRequests
        case .internalError: .internalServerError
        case .nodeUnreachable, .wpCLIError: .badGateway
        case .serviceUnavailable: .serviceUnavailable
        }
    }
}

/// Why a `conflict` is one: `details.reason`.
enum ConflictReason: String, Sendable, CaseIterable {
    case slugTaken = "slug_taken"
    case hostnameTaken = "hostname_taken"
    case productionEnvironmentExists = "production_environment_exists"
    case siteNotActive = "site_not_active"
    case environmentState = "environment_state"
    case siteBusy = "site_busy"
    case nodeBusy = "node_busy"
    case noActiveNode = "no_active_node"
    case nodePublicIPMissing = "node_public_ip_missing"
    case nodeNotActive = "node_not_active"
    case storageNotConfigured = "storage_not_configured"
    case backupNotCompleted = "backup_not_completed"
    case environmentNotPromotable = "environment_not_promotable"
    case driftGateUnmet = "drift_gate_unmet"
    case backupGateUnmet = "backup_gate_unmet"
}
