import Encoding
import EventLoop
import Foundation
import TestSupport
import Testing

@Suite struct SessionTests {
    static let idle = ["TRIVET_WORKERS": "0"]

    @Test("a session is good on every instance, and a logout on one ends it on all at once")
    func otherInstance() async throws {
        try await Panel.run(Self.idle, instances: 2) { panel in
            let (first, second) = (panel.instances[0], panel.instances[1])
            for _ in 0..<10 {
                let session = try await panel.logIn()
                for instance in [first, second] {
                    #expect(try await panel.send("GET", "/api/jobs", as: .cookie(session), to: instance).status == 200)
                }
                #expect(try await panel.send("POST", "/api/logout", as: .cookie(session), to: second).status == 200)
                for instance in [first, second] {
                    try await panel.send("GET", "/api/jobs", as: .cookie(session), to: instance).expectError(401, "unauthorized")
                }
            }
        }
    }

    @Test("a session ends by the database's clock")
    func databaseClock() async throws {
        try await Panel.run(Self.idle) { panel in
            let session = panel.session
            try await panel.execute("UPDATE auth_sessions SET expires_at = clock_timestamp() + interval '1 second'")
            #expect(try await panel.send("GET", "/api/jobs", as: .cookie(session)).status == 200)
            let answer = try await panel.eventually {
                let answer = try await panel.send("GET", "/api/jobs", as: .cookie(session))
                return answer.status == 200 ? nil : answer
            }
            answer.expectError(401, "unauthorized")
            #expect(try await panel.count("auth_sessions WHERE expires_at <= clock_timestamp()") == 1)
        }
    }

    @Test("two cookies of the name cannot both be meant; the same one twice can")
    func repeatedCookie() async throws {
        try await Panel.run(Self.idle) { panel in
            let (one, other) = (panel.session, try await panel.logIn())
            func status(_ cookie: String) async throws -> Int {
                try await panel.send("GET", "/api/jobs", as: .nobody, fields: ["Cookie": cookie]).status
            }
            #expect(try await status("session_token=\(one); session_token=\(one)") == 200)
            #expect(try await status("session_token=\(one); session_token=\(other)") == 401)
        }
    }

    @Test("a token of the role that people have does not let a program in")
    func tokenOfAdmin() async throws {
        try await Panel.run(Self.idle) { panel in
            let refused = try await panel.command(["token", "create", "--client", "robot2", "--role", "admin"])
            #expect(refused.exit == .exited(code: 2))
            try await panel.execute("UPDATE access_token SET role = 'admin'")
            try await panel.send("GET", "/api/jobs", as: .automation).expectError(401, "unauthorized")
        }
    }

    @Test("behind a proxy that ends TLS the cookie is for HTTPS alone, and the client's address is the one the proxy saw")
    func proxy() async throws {
        let settings = ["TRIVET_WORKERS": "0", "TRIVET_BEHIND_TLS_PROXY": "true", "TRIVET_PUBLIC_URL": "https://panel.example"]
        try await Panel.run(settings) { panel in
            func logIn(_ password: String, from address: String) async throws -> Answer {
                try await panel.send(
                    "POST", "/api/login", as: .nobody, #"{"email":"\#(Panel.email)","password":"\#(password)"}"#,
                    fields: ["X-Forwarded-For": address, "Origin": "https://panel.example"])
            }
            let cookie = try await logIn(Panel.password, from: "192.0.2.1").field("set-cookie")
            #expect(cookie?.hasSuffix("; Secure") == true)
            for _ in 0..<10 { #expect(try await logIn("wrong", from: "203.0.113.9, 192.0.2.1").status == 401) }
            #expect(try await logIn(Panel.password, from: "192.0.2.1").status == 429)
            #expect(try await logIn(Panel.password, from: "192.0.2.2").status == 200)
        }
    }

    @Test("of many wrong logins at once on two instances no more than ten have their password looked at")
    func loginLimit() async throws {
        try await Panel.run(Self.idle, instances: 2) { panel in
            // Those that succeed do not count.
            for _ in 0..<15 { _ = try await panel.logIn() }
            let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
                for number in 0..<40 {
                    group.addTask {
                        try await panel.send(
                            "POST", "/api/login", as: .nobody, #"{"email":"\#(Panel.email)","password":"wrong"}"#,
                            to: panel.instances[number % 2]
                        ).status
                    }
                }
                return try await group.reduce(into: [Int: Int]()) { $0[$1, default: 0] += 1 }
            }
            #expect(statuses == [401: 10, 429: 30])
            // Another e-mail from the same address is another account.
            #expect(try await panel.send("POST", "/api/login", as: .nobody, #"{"email":"else@example.net","password":"x"}"#).status == 401)
            // The window is the database's.
            try await panel.execute("UPDATE rate_window SET started_at = started_at - interval '61 seconds'")
            #expect(try await panel.logIn().isEmpty == false)
        }
    }

    @Test("while the database is away nobody is refused for it: 503, and afterwards the session goes on")
    func outage() async throws {
        let server = try await PostgresServer.start()
        try await Panel.run(Self.idle, on: server) { panel in
            let session = panel.session
            server.stop()
            for (method, target, caller) in [
                ("GET", "/api/jobs", Caller.cookie(session)), ("POST", "/api/logout", .cookie(session)),
                ("GET", "/api/jobs", .bearer(session)),
            ] {
                let answer = try await panel.send(method, target, as: caller)
                answer.expectError(503, "service_unavailable", nil, "\(method) \(target)")
                #expect(answer.field("retry-after") != nil)
            }
            try await panel.send(
                "POST", "/api/login", as: .nobody, #"{"email":"\#(Panel.email)","password":"\#(Panel.password)"}"#
            ).expectError(503, "service_unavailable")
            // What is no credential at all needs no database.
            try await panel.send("GET", "/api/jobs", as: .nobody).expectError(401, "unauthorized")
            try await server.start()
            let status = try await panel.eventually {
                let status = try await panel.send("GET", "/api/jobs", as: .cookie(session)).status
                return status == 503 ? nil : status
            }
            #expect(status == 200)
        }
        server.remove()
    }
}
