import Encoding
import HTTP
import Postgres
import ServiceKit

extension APIError {
    /// What each refusal says. Exhaustive: a new one stops the build until it has an answer.
    init(_ refusal: Refusal) {
        switch refusal {
        case .body(let error): self.init(error)
        case .mediaType: self.init(.badRequest, "The body must be application/json.")
        case .invalid(let message): self.init(.badRequest, message)
        case .invalidFields(let problems): self.init(problems)
        case .noSession: self.init(.unauthorized, "Sign in first.")
        case .badCredentials: self.init(.unauthorized, "E-mail or password is wrong.")
        case .foreignOrigin: self.init(.forbidden, "Pages of other origins may not do this.")
        case .tooManyLogins(let seconds):
            self.init(.tooManyRequests, "Too many failed logins. Try again later.")
            retryAfter = seconds
        case .tooManyStreams:
            self.init(.tooManyRequests, "Too many event streams are open.")
            retryAfter = 5
        case .notFound(let what): self.init(.notFound, "There is no such \(what).")
        case .conflict(let reason): self.init(reason)
        case .environmentNotActive: self.init(.environmentNotActive, "The environment is not active.")
        case .jobNotCancellable: self.init(.jobNotCancellable, "The job has ended.")
        case .resourceNotFailed: self.init(.resourceNotFailed, "Only what has failed can be reset.")
        case .resetRefused(let checks):
            self.init(.resetValidationFailed, "It is not safe to reset this now.")
            details = [("failed_checks", .array(checks.map { .string($0) }))]
        case .nodeUnreachable: self.init(.nodeUnreachable, "The node does not answer.")
        case .wpCLI: self.init(.wpCLIError, "WordPress on the node did not answer as it should.")
        case .busy:
            self.init(.serviceUnavailable, "The service is busy. Try again.")
            retryAfter = 1
        case .database(let error): self.init(error)
        }
    }

    init(_ error: DatabaseError) {
        switch error {
        case .unavailable, .timedOut, .acquireTimedOut, .queueFull, .cancelled: self = Self.storeAway
        case .server(let cause) where cause.state == .lockNotAvailable || cause.state.isTransient: self = Self.storeAway
        case .server, .decoding, .parameter: self = Self.internalFault
        }
    }

    static var storeAway: APIError {
        var error = APIError(.serviceUnavailable, "The service's store does not answer. Try again.")
        error.retryAfter = 1
        return error
    }

    /// The envelope adds the request's id.
    static var internalFault: APIError { APIError(.internalError, "Something failed here. It is noted under this request's id.") }

    private init(_ error: BodyError) {
        switch error {
        case .tooLarge(let limit): self.init(.badRequest, "The body is larger than \(limit) bytes.")
        case .stalled: self.init(.badRequest, status: error.status, "The body stopped arriving.")
        case .malformedChunk, .truncated, .closed: self.init(.badRequest, "The body could not be read.")
        }
        closesConnection = true
    }

    private init(_ problems: [FieldProblem]) {
        self.init(.badRequest, problems.map { "\(Self.name($0.pointer)) \($0.message)" }.joined(separator: "; ") + ".")
        let list = problems.map { problem -> JSONValue in
            ["field": .string(String(problem.pointer.dropFirst())), "message": .string(problem.message)]
        }
        details = [("problems", .array(list))]
    }

    private static func name(_ pointer: String) -> String { pointer.isEmpty ? "The body" : String(pointer.dropFirst()) }

    private init(_ reason: ConflictReason) {
        let message =
            switch reason {
            case .slugTaken: "The slug is taken."
            case .hostnameTaken: "The hostname is taken."
            case .productionEnvironmentExists: "The site has its production environment."
            case .siteNotActive: "The site is not active."
            case .environmentState: "The environment is not in a state for this."
            case .siteBusy: "Another job of this site is under way. Wait for it to end."
            case .nodeBusy: "The node is being provisioned. Wait for it to end."
            case .noActiveNode: "There is no active node."
            case .nodePublicIPMissing: "The node's public address is not known and no preview domain is set."
            case .nodeNotActive: "The node is not active."
            case .storageNotConfigured: "No storage for backups is configured."
            case .backupNotCompleted: "The backup is not completed."
            case .environmentNotPromotable: "A production environment cannot be promoted."
            case .driftGateUnmet: "A fresh drift check that found nothing is needed first."
            case .backupGateUnmet: "A fresh full backup of the target is needed first."
            }
        self.init(.conflict, message)
        details = [("reason", .string(reason.rawValue))]
    }
}
