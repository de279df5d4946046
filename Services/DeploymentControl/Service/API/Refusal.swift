import DeploymentControlDomain
import Encoding
import HTTP
import Postgres
import ServiceKit

/// Why a request is not served. Thrown by guards and use cases; `APIError` says it to the client.
enum Refusal: Error, Sendable {
    // Guards of every mutation.
    case mutationsDisabled
    case minuteLimit(RateDecision)
    case keyMissing
    case keyMalformed
    case body(BodyError)
    /// A Content-Type other than JSON.
    case mediaType
    /// No Content-Length where one is needed.
    case lengthRequired
    case idempotencyConflict
    case idempotencyInProgress
    // What the client sent.
    case invalid(String)
    case invalidFields([FieldProblem])
    case serviceNotAllowlisted
    case invalidEnvironment
    case artifact(ArtifactProblem, String)
    case versionNotRegistered
    case notFound(String)
    /// A capability's signature or token is wrong.
    case uploadUnauthorized
    // What the installation's state does not allow now.
    case dailyQuota(QuotaState)
    case locked(LockHolder?)
    case noPriorSuccessfulVersion
    case rollbackOfRollback
    case alreadyRolledBack
    case buildConflict(artifactRef: String, sha256: String)
    case notReleasable(String)
    // The engine and the stores.
    case notStarted(StartRefusal)
    case outcomeUnknown(StartUncertainty)
    case database(DatabaseError)
    case vaultUnavailable(reason: String)
}

/// Which deployment holds the global lock, as far as it may be shown.
struct LockHolder: Sendable, Hashable {
    let id: UUID
    let service: String
    let version: String
    let since: Timestamp
}
