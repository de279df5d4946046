import Encoding
import Foundation
import TestSupport
import Testing

/// The one node query (8.9).
@Suite(.serialized) struct MagicLoginConformanceTests {
    private static let settings = ["TRIVET_WORKERS": "0", "TRIVET_NODE_QUERY_TIMEOUT_MS": "1500"]

    private func logIn(_ panel: Panel, _ environment: String) async throws -> Answer {
        try await panel.send("POST", "/api/environments/\(environment)/magic-login")
    }

    @Test("a login address is on the environment's canonical host, lives 60 seconds, and is in no log, row or cache")
    func success() async throws {
        try await Panel.run(Self.settings) { panel in
            let token = "tok-\(Foundation.UUID().uuidString)-tok"
            try panel.playbooks.scriptSSH(#"{"output": "{\"token\": \"\#(token)\", \"user_id\": 1}\n"}"#)
            let site = try await panel.seed()
            for primary in [false, true] {
                if primary { try await panel.seedDomain(site.staging, "shop.example", primary: true) }
                let answer = try await logIn(panel, site.staging)
                try #require(answer.status == 200, "\(answer.text)")
                #expect(answer.json.object?.keys.sorted() == ["expires_at", "login_url"])
                #expect(answer.field("cache-control") == "no-store")
                let base = primary ? "https://shop.example" : "http://\(site.staging.prefix(8)).198-51-100-7.sslip.io"
                #expect(answer.json["login_url"]?.string == "\(base)/wp-login.php?action=trivet_magic&token=\(token)")
                let expires = try #require(answer.json["expires_at"]?.string.flatMap { Timestamp($0) })
                let left = Double(expires.microseconds) / 1e6 - Date().timeIntervalSince1970
                #expect(50...61 ~= left, "\(left) s")
            }
            #expect(try await panel.count("jobs") == 0)
            let audits = try await panel.rows("SELECT * FROM audit_logs WHERE action = 'magic_login'")
            #expect(audits.count == 2)
            #expect(audits.allSatisfy { $0["result"] == "succeeded" && $0["resource_type"] == "environment" && $0["resource_id"]?.string == site.staging })
            #expect(!panel.process.log.contains(token))
            for table in ["audit_logs", "jobs", "environments", "auth_sessions"] {
                let rows = try await panel.rows("SELECT * FROM \(table)")
                #expect(!rows.contains { String(decoding: $0.bytes, as: UTF8.self).contains(token) }, "\(table)")
            }
            let calls = try panel.playbooks.sshCalls()
            #expect(calls.count == 2, "one command each")
        }
    }

    struct Failure: Sendable {
        let rule: String
        let code: String
    }

    static let failures: [Failure] = [
        Failure(rule: #"{"exit": 255}"#, code: "node_unreachable"), Failure(rule: #"{"hang": true}"#, code: "node_unreachable"),
        Failure(rule: #"{"hang": true, "ignore_term": true}"#, code: "node_unreachable"),
        Failure(rule: #"{"exit": 1, "errors": "Error: no administrator CANARY-ERR"}"#, code: "wp_cli_error"),
        Failure(rule: #"{"exit": 2, "output": "CANARY-OUT"}"#, code: "wp_cli_error"), Failure(rule: #"{"exit": 127}"#, code: "wp_cli_error"),
        Failure(rule: #"{"output": ""}"#, code: "wp_cli_error"), Failure(rule: #"{"output": "CANARY-OUT no json\n"}"#, code: "wp_cli_error"),
        Failure(rule: #"{"output": "{}\n"}"#, code: "wp_cli_error"),
        Failure(rule: #"{"output": "{\"token\": \"short\", \"user_id\": 1}\n"}"#, code: "wp_cli_error"),
        Failure(rule: #"{"output": "{\"token\": \"0123456789012345678901234567890123456789 x\", \"user_id\": 1}\n"}"#, code: "wp_cli_error"),
        Failure(rule: #"{"output": "{\"token\": \"0123456789012345678901234567890123456789&x=\", \"user_id\": 1}\n"}"#, code: "wp_cli_error"),
        Failure(rule: #"{"output": "{\"token\": \"0123456789012345678901234567890123456789\", \"user_id\": \"1\"}\n"}"#, code: "wp_cli_error"),
        Failure(rule: #"{"output": "{\"token\": \"0123456789012345678901234567890123456789\"}\n"}"#, code: "wp_cli_error"),
        Failure(rule: #"{"output": "Warning: x\n{\"token\": \"0123456789012345678901234567890123456789\", \"user_id\": 1}\n"}"#, code: "wp_cli_error"),
    ]

    @Test("what goes wrong on the node is told by its code, without the tool's words, and audited")
    func failure() async throws {
        try await Panel.run(Self.settings) { panel in
            for failure in Self.failures {
                try panel.playbooks.scriptSSH(failure.rule)
                let site = try await panel.seed()
                let answer = try await logIn(panel, site.staging)
                answer.expectError(502, failure.code, nil, failure.rule)
                #expect(!answer.text.contains("CANARY"), "\(answer.text)")
                let audit = try await panel.row("SELECT * FROM audit_logs WHERE resource_id = '\(site.staging)'")
                #expect(audit["action"] == "magic_login" && audit["result"] == "failed")
            }
            #expect(try await panel.count("jobs") == 0)
        }
    }

    @Test("an environment that is not active is refused before any connection, and audited all the same")
    func notActive() async throws {
        try await Panel.run(Self.settings) { panel in
            let site = try await panel.seed(staging: "failed")
            try await logIn(panel, site.staging).expectError(409, "environment_not_active")
            #expect(try panel.playbooks.sshCalls().isEmpty)
            #expect(try await panel.row("SELECT result FROM audit_logs WHERE action = 'magic_login'")["result"] == "failed")
        }
    }

    @Test("it answers while a job of the same site runs, and takes no lock")
    func besideJob() async throws {
        try await Panel.run(Self.settings) { panel in
            let site = try await panel.seed()
            try await panel.seedJob("cache_purge", site: site.site, environment: site.staging, status: "running")
            #expect(try await logIn(panel, site.staging).status == 200)
        }
    }

    @Test("no other synchronous operation opens a connection to a node")
    func onlyOne() async throws {
        try await Panel.run(Self.settings) { panel in
            let site = try await panel.seed()
            for operation in Operation.seeds + Operation.control where operation.job == nil && !operation.template.hasSuffix("magic-login") && !operation.template.hasSuffix("events") {
                let id = operation.path == .site ? site.site : site.staging
                _ = try await panel.send(operation.method, operation.target(id), operation.body)
            }
            #expect(try panel.playbooks.sshCalls().isEmpty)
        }
    }
}
