import Encoding
import EventLoop
import HTTP
import Postgres
import ServiceKit

/// Finds out who sends a request: a person by a session, in the cookie or as a bearer token, or a program by an access
/// token. Where a request has both a cookie and an `Authorization`, the latter decides.
///
/// Sessions are looked up for every request, by the database's clock: a logout, a lost right to sign in and the end of a
/// session's time hold at once and on all instances. What cannot be looked up is `unavailable`, never refused.
final class SessionAuthenticator: RequestAuthenticator {
    /// Longest wait for the table.
    static let lookupTimeout = Duration.seconds(2)

    private let database: Database
    private let tokens: TokenAuthenticator
    private let key: SessionKey
    private let client: ClientSide

    init(_ database: Database, tokens: TokenAuthenticator, key: SessionKey, client: ClientSide) {
        self.database = database
        self.tokens = tokens
        self.key = key
        self.client = client
    }

    func authenticate(_ request: Request) async -> AuthenticationOutcome {
        switch request.headerCount("Authorization") {
        case 0: break
        case 1:
            guard let session = Self.bearerSession(of: request) else { return await program(request) }
            return await person(session)
        default: return .refused(.repeated)
        }
        switch SessionCookie.read(request) {
        case .none: return .refused(.missing)
        case .several: return .refused(.repeated)
        case .one(let text):
            guard let session = SessionToken(text) else { return .refused(.malformed) }
            // A browser sends the cookie whoever made the request; only what cannot change anything is let pass.
            if !request.method.isSafe, client.isForeign(request) { return .forbidden(lacking: "a same-origin request") }
            return await person(session)
        }
    }

    /// Whether a request that was let in earlier would be let in now; true where that cannot be known. For streams, which
    /// outlive what let them in.
    func isStillAdmitted(_ identity: Identity) async -> Bool {
        let isAlive =
            identity.userID == nil
            ? SessionRow.tokenIsAlive(identity.credentialID)
            : SessionRow.sessionIsAlive(UUID(identity.credentialID) ?? UUID(high: 0, low: 0))
        return (try? await bounded { [database] in try await database.one(isAlive) }) ?? true
    }

    private func person(_ session: SessionToken) async -> AuthenticationOutcome {
        let digest = key.digest(of: session)
        do {
            let row = try await bounded { [database] in try await database.first(SessionRow.find(digest: digest)) }
            guard let row else { return .refused(.unknown) }
            if row.isRevoked { return .refused(.revoked) }
            if row.isExpired { return .refused(.expired) }
            return .authenticated(
                Identity(
                    client: row.email, role: SiteRole.admin.rawValue, credentialID: row.id.description,
                    userID: row.userID))
        } catch {
            return .unavailable(cause: "\(error)")
        }
    }

    /// Programs do not get the role of people, whatever a token's row says.
    private func program(_ request: Request) async -> AuthenticationOutcome {
        let outcome = await tokens.authenticate(request)
        if case .authenticated(let identity) = outcome, identity.role == SiteRole.admin.rawValue { return .refused(.unknown) }
        return outcome
    }

    private func bounded<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
        guard let loop = Loop.current else { return try await body() }
        return try await abandoning(after: Self.lookupTimeout, on: loop, body)
    }

    /// The session in `Authorization: Bearer …`; nil where the field has another form.
    private static func bearerSession(of request: Request) -> SessionToken? {
        guard let value = request.header("Authorization"), value.utf8.count == 7 + SessionToken.length,
            value.prefix(7).lowercased() == "bearer "
        else { return nil }
        return SessionToken(String(value.dropFirst(7)))
    }
}
