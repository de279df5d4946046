public import HTTP

/// Finds out who sends a request, by its head alone.
public protocol RequestAuthenticator: Sendable {
    func authenticate(_ request: Request) async -> AuthenticationOutcome
}

/// What authentication found.
public enum AuthenticationOutcome: Sendable {
    case authenticated(Identity)
    case refused(AuthenticationRefusal)
    /// The credential may be right, but not in a request like this one: 403. What the request lacks is for the log.
    case forbidden(lacking: String)
    /// It cannot be known now: the store of credentials does not answer.
    case unavailable(cause: String)
}
