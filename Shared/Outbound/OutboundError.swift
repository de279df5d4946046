/// Why there is no full answer. The two main cases are what a caller decides by: after `.notSent` the other system has certainly not acted; after
/// `.unclear` it may have.
///
/// A response with any status is not an error. Descriptions hold no header, body or query of the request.
public enum OutboundError: Error, Hashable, CustomStringConvertible {
    /// The request cannot be expressed; nothing was tried.
    case invalidRequest(String)
    /// Not one byte of the request left this process.
    case notSent(NotSentReason, String)
    /// The request, or a part of it, has left, and no full answer came.
    case unclear(UnclearReason, String)

    public enum NotSentReason: String, Sendable, Hashable {
        case nameLookup, connect, tls, connectTimeout, deadline, cancelled, overloaded
    }

    public enum UnclearReason: String, Sendable, Hashable {
        /// Closed or reset before a complete answer.
        case connectionLost
        /// Not HTTP/1.1, or lengths that contradict each other.
        case malformedResponse
        case headTooLarge
        case bodyTooLarge
        /// Fewer bytes than Content-Length or the last chunk said.
        case shortBody
        case stalled
        case deadline
        case cancelled
        /// The source of the request's body failed, or gave another length than it declared.
        case uploadFailed
    }

    /// Whether repeating the request cannot do anything twice.
    public var isCertainlyNotSent: Bool {
        switch self {
        case .invalidRequest, .notSent: true
        case .unclear: false
        }
    }

    /// Whether a time limit was the cause.
    public var isTimeout: Bool {
        switch self {
        case .notSent(.connectTimeout, _), .notSent(.deadline, _), .unclear(.stalled, _), .unclear(.deadline, _): true
        default: false
        }
    }

    public var isCancellation: Bool {
        switch self {
        case .notSent(.cancelled, _), .unclear(.cancelled, _): true
        default: false
        }
    }

    public var description: String {
        switch self {
        case .invalidRequest(let detail): "invalid request: \(detail)"
        case .notSent(let reason, let detail): "not sent (\(reason.rawValue)): \(detail)"
        case .unclear(let reason, let detail): "outcome unclear (\(reason.rawValue)): \(detail)"
        }
    }
}
