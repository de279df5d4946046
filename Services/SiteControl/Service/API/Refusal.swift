import Encoding
import HTTP
import Postgres
import SiteControlDomain

/// Why a request is not served. Thrown by use cases and readers; `APIError` says it to the client.
enum Refusal: Error, Sendable {
    // What the client sent.
    case body(BodyError)
    /// A Content-Type other than JSON.
    case mediaType
    case invalid(String)
    case invalidFields([FieldProblem])
    // Who asks.
    case noSession
    case badCredentials
    case foreignOrigin
    case tooManyLogins(retryAfter: Int)
    case tooManyStreams
    /// Nothing of this kind has the id.
    case notFound(String)
    // What the state does not allow now.
    case conflict(ConflictReason)
    case environmentNotActive
    case jobNotCancellable
    case resourceNotFailed
    /// - Parameter checks: those that did not hold.
    case resetRefused(checks: [String])
    // Nodes and stores.
    case nodeUnreachable
    case wpCLI
    /// Too much of this kind of work is waiting.
    case busy
    case database(DatabaseError)
}
