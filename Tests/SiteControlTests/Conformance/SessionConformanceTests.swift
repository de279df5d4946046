import Encoding
import Foundation
import TestSupport
import Testing

/// Operations 1 and 2, and 8.10.
@Suite(.serialized) struct SessionConformanceTests {
    let panel: Panel

    init() async throws { panel = try await Panel.shared() }

    private func logIn(_ email: String, _ password: String, on other: Panel? = nil, fields: [String: String] = [:]) async throws -> Answer {
        let body: JSONValue = ["email": .string(email), "password": .string(password)]
        return try await (other ?? panel).send("POST", "/api/login", as: .nobody, bytes: body.bytes, fields: fields)
    }

    @Test("a login answers with the token, in the body and as a cookie, and leaves one session of 24 hours and one audit row")
    func logIn() async throws {
        try await Panel.run(["TRIVET_WORKERS": "0"]) { panel in
            let audits = try await panel.count("audit_logs WHERE action = 'login'")
            let answer = try await logIn(Panel.email, Panel.password, on: panel)
            try #require(answer.status == 200, "\(answer.text)")
            #expect(answer.json.object?.keys == ["session_token"])
            let token = try #require(answer.json["session_token"]?.string)
            let cookie = try #require(answer.field("set-cookie"))
            let parts = cookie.split(separator: ";").map { $0.trimmingCharacters(in: .whitespaces) }
            #expect(parts.first == "session_token=\(token)")
            let attributes = Set(parts.dropFirst().map { $0.lowercased() })
            #expect(attributes == ["httponly", "path=/", "samesite=lax", "max-age=86400"], "\(cookie)")
            let session = try await panel.row(
                """
                SELECT extract(epoch FROM expires_at - created_at)::integer AS seconds, revoked_at FROM auth_sessions
                ORDER BY created_at DESC LIMIT 1
                """)
            #expect(session["seconds"]?.int == 86400)
            #expect(session["revoked_at"]?.isNull == true)
            #expect(try await panel.count("audit_logs WHERE action = 'login'") == audits + 1)
            let audit = try await panel.row("SELECT * FROM audit_logs WHERE action = 'login' ORDER BY created_at DESC, id LIMIT 1")
            #expect(audit["result"] == "succeeded")
            #expect(audit["resource_type"] == "session")
            #expect(audit["user_id"]?.string != nil)
        }
    }

    @Test("the e-mail is compared in lower case, without white space around it")
    func spelling() async throws {
        for email in [Panel.email.uppercased(), " \(Panel.email)", "\(Panel.email) "] {
            #expect(try await logIn(email, Panel.password).status == 200, "\(email)")
        }
    }

    @Test("a login leaves the sessions that there are; a logout ends the one that it is made with")
    func several() async throws {
        let (first, second) = (try await panel.logIn(), try await panel.logIn())
        let out = try await panel.send("POST", "/api/logout", as: .cookie(first))
        #expect(out.status == 200)
        #expect(out.json.object?.keys == ["success"] && out.json["success"]?.bool == true)
        let cookie = try #require(out.field("set-cookie")).lowercased()
        #expect(cookie.hasPrefix("session_token=;"), "\(cookie)")
        #expect(cookie.contains("max-age=0") && cookie.contains("httponly") && cookie.contains("path=/"), "\(cookie)")
        #expect(try await panel.send("GET", "/api/sites", as: .cookie(first)).status == 401)
        try await panel.send("POST", "/api/logout", as: .cookie(first)).expectError(401, "unauthorized")
        #expect(try await panel.send("GET", "/api/sites", as: .cookie(second)).status == 200)
        let audit = try await panel.row("SELECT * FROM audit_logs WHERE action = 'logout' ORDER BY created_at DESC, id LIMIT 1")
        #expect(audit["result"] == "succeeded" && audit["resource_type"] == "session")
        #expect(try await panel.count("auth_sessions WHERE revoked_at IS NOT NULL AND revoked_at > now()") == 0)
    }

    @Test("a wrong e-mail, a wrong password and an inactive user get the same answer, and leave no session and no audit row")
    func refused() async throws {
        try await Panel.run(["TRIVET_WORKERS": "0"]) { panel in
            let hash = try await panel.row("SELECT password_hash FROM users LIMIT 1")["password_hash"]?.string ?? ""
            try await panel.execute(
                """
                INSERT INTO users (id, email, display_name, role, password_hash, is_active)
                VALUES ('\(SeededSite.newID())', 'gone@example.net', 'Gone', 'admin', '\(hash)', false)
                """)
            let (sessions, audits) = (try await panel.count("auth_sessions"), try await panel.count("audit_logs"))
            let answers = [
                try await logIn("nobody@example.net", Panel.password, on: panel),
                try await logIn(Panel.email, Panel.password + " ", on: panel),
                try await logIn("gone@example.net", Panel.password, on: panel),
            ]
            for answer in answers { answer.expectError(401, "unauthorized") }
            #expect(Set(answers.map { $0.json["message"]?.string ?? "" }).count == 1)
            #expect(answers.allSatisfy { $0.field("set-cookie") == nil })
            #expect(try await panel.count("auth_sessions") == sessions)
            #expect(try await panel.count("audit_logs") == audits)
        }
    }

    @Test("after ten failures within a minute a login is refused with 429 before the password is looked at")
    func rateLimit() async throws {
        try await Panel.run(["TRIVET_WORKERS": "0"]) { panel in
            for _ in 0..<10 { #expect(try await logIn(Panel.email, "wrong", on: panel).status == 401) }
            let answer = try await logIn(Panel.email, Panel.password, on: panel)
            answer.expectError(429, "too_many_requests")
            #expect(answer.field("retry-after").flatMap { Int($0) }.map { 1...60 ~= $0 } == true, "\(answer.field("retry-after") ?? "none")")
            #expect(try await panel.send("GET", "/api/sites", as: .administrator).status == 200, "open sessions go on")
        }
    }

    @Test("stored passwords are salted: the same one twice gives two texts", .timeLimit(.minutes(2)))
    func salted() async throws {
        try await Panel.run(["TRIVET_WORKERS": "0"]) { panel in
            let file = panel.directory.appendingPathComponent("password").path
            _ = try await Panel.output(of: ["admin", "create", "--email", "second@example.net", "--password-file", file], panel.environment)
            let hashes = try await panel.rows("SELECT password_hash FROM users").compactMap { $0["password_hash"]?.string }
            #expect(hashes.count == 2 && hashes[0] != hashes[1])
            #expect(hashes.allSatisfy { !$0.contains(Panel.password) })
            #expect(try await logIn("second@example.net", Panel.password, on: panel).status == 200)
        }
    }

    @Test("the lifetime of a session is what the configuration says, and it does not slide")
    func expiry() async throws {
        try await Panel.run(["TRIVET_WORKERS": "0", "TRIVET_SESSION_SECONDS": "3600"]) { panel in
            let answer = try await logIn(Panel.email, Panel.password, on: panel)
            #expect(answer.field("set-cookie")?.lowercased().contains("max-age=3600") == true)
            let token = try #require(answer.json["session_token"]?.string)
            let before = try await panel.row("SELECT max(expires_at) AS latest FROM auth_sessions")
            for _ in 0..<3 { #expect(try await panel.send("GET", "/api/sites", as: .cookie(token)).status == 200) }
            #expect(try await panel.row("SELECT max(expires_at) AS latest FROM auth_sessions")["latest"] == before["latest"])
        }
    }
}
