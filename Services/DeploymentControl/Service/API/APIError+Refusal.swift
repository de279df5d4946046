import DeploymentControlDomain
import Encoding
import HTTP
import Postgres
import ServiceKit

extension APIError {
    /// What each refusal says. Exhaustive: a new one stops the build until it has an answer.
    init(_ refusal: Refusal) {
        switch refusal {
        case .mutationsDisabled:
            self.init(.mutationsDisabled, "Changes are switched off for now. Nothing was done.")
            retryAfter = 60
        case .minuteLimit(let decision):
            self.init(.rateLimited, "Too many requests in this minute.")
            describe("minute", decision.limit.bucket, decision.limit.limit, decision.used, decision.resetAt)
            retryAfter = decision.resetSeconds
        case .dailyQuota(let state):
            self.init(.rateLimited, "The quota of this day is used up.")
            describe("day", state.quota.name, state.quota.limit, state.used, state.resetAt)
            retryAfter = state.resetSeconds
        case .keyMissing:
            self.init(.idempotencyKeyRequired, "Send an Idempotency-Key: a text of your own for each thing to be done.")
        case .keyMalformed:
            self.init(.invalidRequest, "Idempotency-Key must be one text of 1 to 255 visible ASCII characters.")
        case .body(let error): self.init(error)
        case .mediaType:
            self.init(.invalidRequest, status: .unsupportedMediaType, "The body must be application/json.")
        case .lengthRequired:
            self.init(.invalidRequest, status: .lengthRequired, "Send a Content-Length.")
            closesConnection = true
        case .idempotencyConflict:
            self.init(.idempotencyConflict, "This Idempotency-Key was used for another request. Use a new one.")
        case .idempotencyInProgress:
            self.init(.idempotencyInProgress, "The first request with this Idempotency-Key is not decided yet. Send it again.")
            retryAfter = IdempotencyStore.retryAfterSeconds
        case .invalid(let message): self.init(.invalidRequest, message)
        case .invalidFields(let problems): self.init(problems)
        case .serviceNotAllowlisted:
            self.init(.serviceNotAllowlisted, "This service may not be deployed here. Ask the platform team to add it.")
        case .invalidEnvironment: self.init(.invalidEnvironment, "environment must be \"sandbox\".")
        case .artifact(let problem, let message):
            self.init(.invalidArtifact, message)
            details = [("reason", .string(problem.rawValue))]
        case .versionNotRegistered:
            self.init(.versionNotFound, "This version is not registered for the service. Publish it first.")
        case .notFound(let what): self.init(.notFound, "There is no such \(what).")
        case .uploadUnauthorized:
            self.init(.unauthorized, "The upload is not authorised.")
            closesConnection = true
        case .locked(let holder):
            self.init(.deploymentLocked, "Another deployment is in flight. Wait for it to end.")
            retryAfter = 5
            if let holder { describe(holder) }
        case .noPriorSuccessfulVersion:
            self.init(.noPriorSuccessfulVersion, "No earlier version of this service succeeded: deploy a known good one.")
        case .rollbackOfRollback:
            self.init(.rollbackOfRollback, "A rollback cannot be rolled back: deploy the version that is wanted.")
        case .alreadyRolledBack: self.init(.invalidRequest, "This deployment is rolled back already.")
        case .buildConflict(let artifactRef, let sha256):
            self.init(.buildRegistrationConflict, "This version is registered with other content. Publish a new version.")
            details = [("artifactRef", .string(artifactRef)), ("sha256", .string(sha256))]
        case .notReleasable(let message): self.init(.deploymentNotReleasable, message)
        case .notStarted(let cause): self.init(cause)
        case .outcomeUnknown(let cause): self.init(cause)
        case .database(let error): self.init(error)
        case .vaultUnavailable:
            self.init(.storageUnavailable, "The artifact store does not answer. Try again.")
            retryAfter = 5
        }
    }

    init(_ error: BodyError) {
        switch error {
        case .tooLarge(let limit):
            self.init(.invalidRequest, status: error.status, "The body is larger than \(limit) bytes.")
        case .stalled: self.init(.invalidRequest, status: error.status, "The body stopped arriving.")
        case .malformedChunk, .truncated, .closed:
            self.init(.invalidRequest, status: error.status, "The body could not be read.")
        }
        closesConnection = true
    }

    init(_ error: DatabaseError) {
        switch error {
        case .unavailable, .timedOut, .acquireTimedOut, .queueFull, .cancelled:
            self.init(.storageUnavailable, "The service's store does not answer. Try again with the same key.")
            retryAfter = 1
        case .server(let cause) where cause.state == .lockNotAvailable || cause.state.isTransient:
            self.init(.storageUnavailable, "The service's store is busy. Try again with the same key.")
            retryAfter = 1
        case .server, .decoding, .parameter:
            self.init(.internalError, "Something failed here. It is noted under this request's id.")
        }
    }

    private init(_ problems: [FieldProblem]) {
        self.init(.invalidRequest, problems.map { "\($0.pointer.dropFirst()) \($0.message)" }.joined(separator: "; ") + ".")
        let fields = problems.map { problem -> JSONValue in
            ["field": .string(String(problem.pointer.dropFirst())), "problem": .string(problem.kind.rawValue)]
        }
        details = [("fields", .array(fields))]
    }

    private init(_ cause: StartRefusal) {
        switch cause {
        case .unavailable:
            self.init(.engineUnavailable, "The delivery system cannot be reached. Nothing was started.")
            retryAfter = 5
        case .unauthorized: self.init(.engineUnauthorized, "The delivery system refused this service. Nothing was started.")
        case .misconfigured:
            self.init(.engineMisconfigured, "The delivery system is not where it should be. Nothing was started.")
        case .refused: self.init(.engineCallFailed, "The delivery system refused the rollout. Nothing was started.")
        }
    }

    private init(_ cause: StartUncertainty) {
        switch cause {
        case .serverError:
            self.init(.engineCallFailed, "The delivery system failed. Whether the rollout started is being found out.")
        case .noAnswer, .noExecutionID:
            self.init(.engineTimeout, "The delivery system gave no clear answer. Whether the rollout started is being found out.")
        }
        details = [("outcomeUnknown", true)]
    }

    private mutating func describe(_ scope: String, _ bucket: String, _ limit: Int, _ used: Int, _ resetAt: Timestamp) {
        details = [
            ("scope", .string(scope)), ("bucket", .string(bucket)), ("limit", .number(JSONNumber(limit))),
            ("used", .number(JSONNumber(used))), ("resetAt", .string(resetAt.description)),
        ]
    }

    private mutating func describe(_ holder: LockHolder) {
        details = [
            ("activeDeploymentId", .string(holder.id.description)), ("service", .string(holder.service)),
            ("version", .string(holder.version)), ("since", .string(holder.since.description)),
        ]
    }
}
