import Crypto
import Encoding
import HTTP
import Postgres
import ServiceKit

/// Signing in and out.
struct SessionAPI: Sendable {
    let database: Database
    let logIn: LogIn
    let client: ClientSide

    var routes: [SiteRoute] {
        [
            Route(.post, "/api/login", "login", access: .open, statuses: [200, 400, 401, 403, 429, 500, 503], login),
            Route(.post, "/api/logout", "logout", access: .authenticated, statuses: [200, 401, 403, 500, 503], logout),
        ]
    }

    /// A page of another site must not be able to sign a browser in either: it would go on as somebody else.
    private func login(_ request: Request, _ context: RequestContext) async throws -> Response {
        if client.isForeign(request) { throw Refusal.foreignOrigin }
        let address = client.address(of: request)
        let cookie = cookie(for: request)
        let (email, password) = try Self.credentials(try await JSONBody.read(request))
        let token = try await logIn(email, password, from: address)
        context.note(.text("user", email.text))
        var json = JSONWriter()
        json.object { $0.member("session_token", token.text.reveal()) }
        var response = JSONAnswer.response(.ok, json.finish())
        response.fields.add("Set-Cookie", cookie.setting(token))
        return response
    }

    private func logout(_ request: Request, _ context: RequestContext) async throws -> Response {
        // An access token is no session.
        guard let identity = context.identity, identity.userID != nil, let session = UUID(identity.credentialID) else {
            throw Refusal.noSession
        }
        let cookie = cookie(for: request)
        let ended = try await database.execute(SessionRow.revoke(session, actor: identity.client, auditID: .random()))
        // Another request has ended it meanwhile.
        guard ended == 1 else { throw Refusal.noSession }
        var json = JSONWriter()
        json.object { $0.member("success", true) }
        var response = JSONAnswer.response(.ok, json.finish())
        response.fields.add("Set-Cookie", cookie.clearing)
        return response
    }

    private func cookie(for request: Request) -> SessionCookie {
        SessionCookie(lifetime: logIn.lifetime, isSecure: client.isSecure(request))
    }

    private static func credentials(_ body: JSONObject) throws(FieldProblems) -> (EmailAddress, String) {
        try ObjectReader.read(.object(body)) { object in
            let email = object.field("email").string(as: { EmailAddress($0) }, expects: EmailAddress.expectation)
            let password = object.field("password").string(length: PasswordHash.passwordLength)
            guard let email, let password else { return nil }
            return (email, password)
        }
    }
}
