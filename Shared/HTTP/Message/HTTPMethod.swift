/// A request method (RFC 9110 §9). Methods are case-sensitive.
public enum HTTPMethod: Sendable, Hashable {
    case get, head, post, put, patch, delete, options
    /// Any other token, kept exactly.
    case other(String)

    /// The method named by `token`, which is taken as it stands.
    public init(_ token: String) {
        switch token {
        case "GET": self = .get
        case "HEAD": self = .head
        case "POST": self = .post
        case "PUT": self = .put
        case "PATCH": self = .patch
        case "DELETE": self = .delete
        case "OPTIONS": self = .options
        default: self = .other(token)
        }
    }

    /// The token as it stands on the wire.
    public var token: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .patch: "PATCH"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .other(let token): token
        }
    }

    /// Whether two methods are one; cheaper than `==`, as only unknown tokens are compared as text.
    @inline(__always)
    func isSame(as other: HTTPMethod) -> Bool {
        switch (self, other) {
        case (.get, .get), (.head, .head), (.post, .post), (.put, .put), (.patch, .patch), (.delete, .delete),
            (.options, .options):
            true
        case (.other(let mine), .other(let its)): mine == its
        default: false
        }
    }

    /// Whether a request of this method is only to read (RFC 9110 §9.2.1).
    public var isSafe: Bool {
        switch self {
        case .get, .head, .options: true
        case .post, .put, .patch, .delete, .other: false
        }
    }

    /// Whether a repetition has the effect of one request (RFC 9110 §9.2.2).
    public var isIdempotent: Bool {
        switch self {
        case .get, .head, .put, .delete, .options: true
        case .post, .patch, .other: false
        }
    }
}

extension HTTPMethod: CustomStringConvertible {
    public var description: String { token }
}

extension Sequence where Element == HTTPMethod {
    /// The value of an `Allow` field (RFC 9110 §10.2.1).
    public var allowFieldValue: String { map(\.token).joined(separator: ", ") }
}
