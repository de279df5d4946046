import Encoding
import Foundation
import TestSupport
import Testing

/// Who gets in where: credentials on every operation, roles, and requests that another site's page could have caused.
@Suite(.serialized) struct AccessConformanceTests {
    let panel: Panel

    init() async throws { panel = try await Panel.shared() }

    private func send(_ operation: Operation, as caller: Caller, fields: [String: String] = [:]) async throws -> Answer {
        try await panel.send(operation.method, operation.target(SeededSite.newID()), as: caller, operation.body, fields: fields)
    }

    /// Tokens of an expired and of a revoked session, and the digest that is stored of the former.
    private static let past = Task {
        let panel = try await Panel.shared()
        let before = Set(try await panel.rows("SELECT session_token FROM auth_sessions").compactMap { $0["session_token"]?.string })
        let expired = try await panel.logIn()
        // Others log in meanwhile; that any of them is out too does no harm here.
        let new = try await panel.rows("SELECT session_token FROM auth_sessions").compactMap { $0["session_token"]?.string }.filter { !before.contains($0) }
        let digest = try #require(new.first)
        for token in new {
            try await panel.execute(
                """
                UPDATE auth_sessions SET created_at = now() - interval '2 days', expires_at = now() - interval '1 second'
                WHERE session_token = '\(token)'
                """)
        }
        let revoked = try await panel.logIn()
        try #require(try await panel.send("POST", "/api/logout", as: .cookie(revoked)).status == 200)
        return (expired, revoked, digest)
    }

    @Test("without a credential, or with one that is not valid, every operation but login answers 401", arguments: Operation.guarded)
    func unauthorized(_ operation: Operation) async throws {
        let (expired, revoked, digest) = try await Self.past.value
        let callers: [(String, Caller)] = [
            ("none", .nobody), ("a cookie that means nothing", .cookie("AAAA")), ("an empty cookie", .cookie("")),
            ("expired", .cookie(expired)), ("revoked", .cookie(revoked)), ("expired, as bearer", .bearer(expired)),
            ("revoked, as bearer", .bearer(revoked)), ("a token that nobody made", .bearer("scs_0123456789abcdef0123456789abcdef")),
            ("the stored digest", .cookie(digest)),
        ]
        for (about, caller) in callers {
            try await send(operation, as: caller).expectError(401, "unauthorized", nil, "\(operation.testDescription), \(about)")
        }
        for scheme in ["Basic b3BlcmF0b3I6eA==", "Bearer", "Bearer ", "Token \(panel.automation)", "Bearer \(panel.automation) x"] {
            try await send(operation, as: .nobody, fields: ["Authorization": scheme])
                .expectError(401, "unauthorized", nil, "\(operation.testDescription), \(scheme.prefix(9))")
        }
    }

    @Test("an Authorization that is not valid is not mended by a cookie that is", arguments: Operation.guarded)
    func authorizationDecides(_ operation: Operation) async throws {
        try await send(operation, as: .bearer("wrong"), fields: ["Cookie": "session_token=\(panel.session)"])
            .expectError(401, "unauthorized", nil, operation.testDescription)
    }

    @Test("a reader reads and changes nothing", arguments: Operation.guarded)
    func reader(_ operation: Operation) async throws {
        // A token has no session to end.
        guard operation.template != "/api/logout" else { return }
        let answer = try await send(operation, as: .reader)
        if operation.isRead, !operation.template.hasPrefix("/_admin") {
            #expect(answer.status == (operation.path == .none ? 200 : 404), "\(answer.text)")
        } else {
            answer.expectError(403, "forbidden", nil, operation.testDescription)
        }
    }

    @Test("an automation token operates, and does not administer", arguments: Operation.guarded)
    func automation(_ operation: Operation) async throws {
        // A token has no session to end.
        guard operation.template != "/api/logout" else { return }
        let answer = try await send(operation, as: .automation)
        if operation.template.hasPrefix("/_admin") {
            answer.expectError(403, "forbidden", nil, operation.testDescription)
        } else {
            #expect(answer.status != 401 && answer.status != 403, "\(answer.status) \(answer.text)")
        }
    }

    @Test("a session is good as a cookie and as a bearer token, among other cookies too")
    func sessionForms() async throws {
        #expect(try await panel.send("GET", "/api/sites", as: .administrator).status == 200)
        #expect(try await panel.send("GET", "/api/sites", as: .sessionBearer).status == 200)
        let fields = ["Cookie": "theme=dark; session_token=\(panel.session); other=1"]
        #expect(try await panel.send("GET", "/api/sites", as: .nobody, fields: fields).status == 200)
        for name in ["Session_Token", "xsession_token", "session_token2"] {
            #expect(try await panel.send("GET", "/api/sites", as: .nobody, fields: ["Cookie": "\(name)=\(panel.session)"]).status == 401)
        }
    }

    @Test("of a session the database has no more than a digest")
    func digest() async throws {
        let token = try await panel.logIn()
        #expect(token.utf8.count == 43, "32 bytes in base64url")
        let rows = try await panel.rows("SELECT * FROM auth_sessions")
        #expect(rows.allSatisfy { $0["session_token"]?.string?.isEmpty == false })
        #expect(!rows.contains { String(decoding: $0.bytes, as: UTF8.self).contains(token) })
    }

    @Test("a user who is no longer active is out at once, with sessions that were open before")
    func inactive() async throws {
        try await Panel.run(["TRIVET_WORKERS": "0"]) { panel in
            let before = panel.session
            try await panel.execute("UPDATE users SET is_active = false")
            #expect(try await panel.send("GET", "/api/sites", as: .cookie(before)).status == 401)
            try await panel.send(
                "POST", "/api/login", as: .nobody, #"{"email":"\#(Panel.email)","password":"\#(Panel.password)"}"#
            ).expectError(401, "unauthorized")
        }
    }

    // MARK: Requests from other origins

    struct Origin: Sendable, CustomTestStringConvertible {
        let fields: [String: String]
        let isRefused: Bool
        var testDescription: String { fields.sorted { $0.key < $1.key }.map { "\($0.key): \($0.value)" }.joined(separator: ", ") }
    }

    static let origins: [Origin] = [
        Origin(fields: [:], isRefused: false),
        Origin(fields: ["Sec-Fetch-Site": "same-origin"], isRefused: false),
        Origin(fields: ["Sec-Fetch-Site": "none"], isRefused: false),
        Origin(fields: ["Sec-Fetch-Site": "same-site"], isRefused: true),
        Origin(fields: ["Sec-Fetch-Site": "cross-site"], isRefused: true),
        Origin(fields: ["Sec-Fetch-Site": "cross-site", "Origin": Panel.publicURL], isRefused: true),
        Origin(fields: ["Sec-Fetch-Site": "something-new"], isRefused: true),
        Origin(fields: ["Origin": Panel.publicURL], isRefused: false),
        Origin(fields: ["Origin": "http://panel.example:80"], isRefused: false),
        Origin(fields: ["Origin": "https://panel.example"], isRefused: true),
        Origin(fields: ["Origin": "http://panel.example.evil.test"], isRefused: true),
        Origin(fields: ["Origin": "http://evil.test"], isRefused: true),
        Origin(fields: ["Origin": "null"], isRefused: true),
        Origin(fields: ["Origin": "http://test", "Host": "test"], isRefused: false),
        Origin(fields: ["Origin": "http://test:81", "Host": "test"], isRefused: true),
    ]

    @Test("a request with the cookie that changes something is taken from the panel's own pages only", arguments: origins)
    func crossSite(_ origin: Origin) async throws {
        let site = try await panel.seed()
        let target = "/api/environments/\(site.staging)/cache/purge"
        let answer = try await panel.send("POST", target, as: .administrator, fields: origin.fields)
        if origin.isRefused {
            answer.expectError(403, "forbidden")
            #expect(try await panel.count("jobs WHERE site_id = '\(site.site)'") == 0)
        } else {
            #expect(answer.status == 202, "\(answer.text)")
        }
        // A page of another origin cannot have set this header by itself.
        let other = try await panel.seed()
        let byToken = try await panel.send(
            "POST", "/api/environments/\(other.staging)/cache/purge", as: .sessionBearer, fields: origin.fields)
        #expect(byToken.status == 202, "\(byToken.text)")
        // Reading changes nothing.
        #expect(try await panel.send("GET", "/api/sites/\(site.site)", as: .administrator, fields: origin.fields).status == 200)
    }

    @Test("a login is taken from the panel's own pages only", arguments: origins)
    func loginFromElsewhere(_ origin: Origin) async throws {
        let sessions = try await panel.count("auth_sessions")
        let body = #"{"email":"\#(Panel.email)","password":"\#(Panel.password)"}"#
        let answer = try await panel.send("POST", "/api/login", as: .nobody, body, fields: origin.fields)
        if origin.isRefused {
            answer.expectError(403, "forbidden")
            #expect(try await panel.count("auth_sessions") == sessions)
        } else {
            #expect(answer.status == 200, "\(answer.text)")
        }
    }

    @Test("every operation that changes something refuses a cookie from another site", arguments: Operation.guarded.filter { !$0.isRead })
    func crossSiteEverywhere(_ operation: Operation) async throws {
        try await send(operation, as: .administrator, fields: ["Sec-Fetch-Site": "cross-site"])
            .expectError(403, "forbidden", nil, operation.testDescription)
        try await send(operation, as: .administrator, fields: ["Origin": "https://evil.test"])
            .expectError(403, "forbidden", nil, operation.testDescription)
    }
}
