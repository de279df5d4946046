public import HTTP

/// Why a request has no answer of its handler. The service's envelope turns each into a response.
public enum RequestFailure: Sendable {
    /// The bytes never became a request, or the listener is full: 400, 408, 414, 431, 501, 503, 505. `context.path` is known
    /// where the request line was understood.
    case fault(HTTPFault)
    /// No route has this path: 404.
    case notFound
    /// The path exists for other methods: 405. The responder adds `Allow`.
    case methodNotAllowed(allow: [HTTPMethod])
    /// A path parameter cannot be read: 400.
    case badPath(BadPath)
    /// No credential or a wrong one: 401. The responder adds `WWW-Authenticate`. The cause is for the log only.
    case unauthenticated(AuthenticationRefusal)
    /// Whether the credential is right cannot be known now: 503, never 401.
    case authenticationUnavailable(cause: String)
    /// The client is known and may not: 403.
    case forbidden(permission: String)
    /// The handler threw. `CancellationError` where the client left.
    case handler(any Error)
}

/// Why a credential was refused. For the log; the client is told the same for each.
public enum AuthenticationRefusal: String, Error, Sendable, CaseIterable {
    case missing
    case malformed
    /// More than one Authorization field.
    case repeated
    case unknown
    case revoked
    case expired
}

/// The one function of a service that turns failures into responses. It alone knows the shape of an error body.
///
/// It is asynchronous so that a service may record what it refused before it answers. It runs shielded from cancellation:
/// a client that leaves does not stop it.
public protocol ErrorEnvelope: Sendable {
    func response(for failure: RequestFailure, context: RequestContext) async -> Response
}
