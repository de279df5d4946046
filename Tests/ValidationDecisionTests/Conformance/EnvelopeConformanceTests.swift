import Encoding
import EventLoop
import Foundation
import Postgres
import TestSupport
import Testing

/// Sections 1 to 3 of the reference: what every answer looks like.
@Suite(.serialized) struct EnvelopeConformanceTests {
    let target: Conformance

    init() async throws { target = try await Conformance.shared() }

    @Test("ALLOW has every field: reasons is [], the hash that was computed is there, and no other")
    func allow() async throws {
        let config = Array(Conformance.config().utf8)
        let verdict = try await target.migrate(config)
        verdict.expect(200, [])
        #expect(verdict.decision == "ALLOW")
        #expect(
            verdict.json.object?.keys.sorted() == [
                "artifacts", "decision", "reasons", "request_id", "scenario", "timestamp",
            ])
        #expect(verdict.json["reasons"]?.array?.isEmpty == true)
        #expect(verdict.hashes.keys == ["config"])
        #expect(verdict.hashes["config"]?.string == Conformance.sha256(config))
    }

    @Test("the timestamp is the time of the answer")
    func timestamp() async throws {
        let before = Date().addingTimeInterval(-2)
        let verdict = try await target.migrate(Conformance.config())
        let text = try #require(verdict.json["timestamp"]?.string)
        let whole = text.prefix(19) + "Z"
        let time = try #require(ISO8601DateFormatter().date(from: String(whole)))
        #expect(time >= before && time <= Date().addingTimeInterval(1), "\(text)")
    }

    @Test("the same artifacts get the same answer but for request_id and timestamp")
    func deterministic() async throws {
        let broken = Conformance.config(
            tls: "tls: {}", ports: "ports: ['0.0.0.0:1', '*:2']", ref: "", "db:\n  password: hunter2\na_token: abc")
        for config in [Conformance.config(), broken] {
            var answers: [JSONValue] = []
            var ids: Set<String> = []
            for _ in 0..<5 {
                let verdict = try await target.migrate(config)
                ids.insert(verdict.requestID)
                var object = try #require(verdict.json.object)
                object["request_id"] = nil
                object["timestamp"] = nil
                answers.append(.object(object))
            }
            #expect(ids.count == 5)
            #expect(answers.allSatisfy { $0 == answers[0] })
        }
    }

    @Test(
        "a client's X-Request-Id is recorded as client_request_id and never used as request_id",
        arguments: ["build-4711", "550e8400-e29b-41d4-a716-446655440000", "a"])
    func clientRequestID(_ id: String) async throws {
        let config = Conformance.config()
        let parts = [
            FormPart("migration_manifest", Conformance.manifest(hash: Conformance.sha256(Array(config.utf8)))),
            FormPart("app_config", config),
        ]
        for verdict in [
            try await target.form(Page.migration, parts, ["X-Request-Id": id]),
            try await target.send("GET", Page.migration, ["X-Request-Id": id]),
            try await target.send("POST", Page.reference, ["X-Request-Id": id, "Authorization": "Bearer no"], []),
        ] {
            #expect(verdict.requestID != id)
            let record = try #require(try await target.service.auditRecords("request_id=\(verdict.requestID)").first)
            #expect(record["client_request_id"]?.string == id, "\(record)")
        }
    }

    // MARK: Paths and methods

    @Test(
        "an unknown path under /api/v1 is 404 BLOCK SCHEMA_INVALID without a scenario",
        arguments: [
            "/api/v1/nothing", "/api/v1/", "/api/v1/validate/nothing", "/api/v1/audit", "/api/v1/audit/logs/1",
            "/api/v1/validate/replication/ref/x", "/api/v1/validate/Migration", "/api/v1/validate/migration%00",
        ])
    func unknownPath(_ path: String) async throws {
        for method in ["GET", "POST", "DELETE"] {
            let verdict = try await target.send(method, path)
            verdict.expectBlocked(path.contains("%00") ? [400, 404] : [404], oneOf: ["SCHEMA_INVALID", "PARSE_ERROR"])
            if !path.contains("%00") { #expect(verdict.codes == ["SCHEMA_INVALID"]) }
        }
    }

    @Test(
        "another method is 405 BLOCK SCHEMA_INVALID with Allow and the path's scenario",
        arguments: [Page.migration, Page.replication, Page.reference], ["GET", "PUT", "PATCH", "DELETE"])
    func otherMethod(_ path: String, _ method: String) async throws {
        let verdict = try await target.send(method, path)
        verdict.expect(405, ["SCHEMA_INVALID"])
        let allowed = (verdict.response.field("allow") ?? "").split(separator: ",").map { $0.trimmingPrefix(" ") }
        #expect(allowed.contains("POST") && !allowed.contains(method[...]))
    }

    @Test(
        "another method on the log is 405 with Allow: GET and no scenario",
        arguments: ["POST", "PUT", "DELETE", "PATCH"])
    func otherMethodOnLog(_ method: String) async throws {
        let verdict = try await target.send(method, Page.log)
        verdict.expect(405, ["SCHEMA_INVALID"])
        let allowed = (verdict.response.field("allow") ?? "").split(separator: ",").map { $0.trimmingPrefix(" ") }
        #expect(allowed.contains("GET") && !allowed.contains(method[...]))
    }

    // MARK: Health

    @Test("health and metrics need no token", arguments: ["/healthz", "/readyz", "/metrics"])
    func health(_ path: String) async throws {
        let response = try await TestClient.exchange(target.address, "GET", path)
        #expect(response.status == 200)
        if path == "/metrics" {
            #expect(response.field("content-type")?.hasPrefix("text/plain") == true)
            let lines = response.text.split(separator: "\n")
            #expect(lines.contains { $0.hasPrefix("# TYPE ") })
            for line in lines where !line.hasPrefix("#") {
                #expect(
                    line.wholeMatch(of: /[a-zA-Z_:][a-zA-Z0-9_:]*(\{.*\})? [-+0-9.eE]+(Inf|NaN)?( \d+)?/) != nil,
                    "\(line)")
            }
        }
    }

    // MARK: A store that cannot be written

    @Test("an audit store that is not writable: 500 BLOCK INTERNAL_ERROR, not ready, and well again afterwards")
    func readOnlyStore() async throws {
        let own = try await ValidationService.start()
        let target = Conformance(service: own, address: own.address)
        let administrator = try await TestCluster.administrator()
        try await target.migrate(Conformance.config()).expect(200, [])
        let name = try await databaseName(own)

        try await administrator.execute("ALTER DATABASE \(identifier: name) SET default_transaction_read_only = on")
        try await disconnect(name, administrator)
        try await Conformance.eventually("not ready") {
            try await TestClient.exchange(own.address, "GET", "/readyz").status != 200
        }
        #expect(try await TestClient.exchange(own.address, "GET", "/healthz").status == 200)
        for config in [Conformance.config(), Conformance.config(tls: "tls: {}")] {
            try await unrecorded(own, config).expect(500, ["INTERNAL_ERROR"])
        }

        try await administrator.execute("ALTER DATABASE \(identifier: name) RESET default_transaction_read_only")
        try await disconnect(name, administrator)
        try await Conformance.eventually("ready again") {
            try await TestClient.exchange(own.address, "GET", "/readyz").status == 200
        }
        try await target.migrate(Conformance.config()).expect(200, [])
        try await own.stop()
    }

    @Test("a database that takes no connections: 500 BLOCK INTERNAL_ERROR and no ALLOW")
    func noDatabase() async throws {
        let own = try await ValidationService.start()
        let administrator = try await TestCluster.administrator()
        let name = try await databaseName(own)
        try await unrecorded(own, Conformance.config()).expect(200, [])
        try await administrator.execute("ALTER DATABASE \(identifier: name) ALLOW_CONNECTIONS false")
        try await disconnect(name, administrator)
        // What is known about the token may be remembered or not; either way this is no ALLOW.
        for _ in 0..<3 { try await unrecorded(own, Conformance.config()).expect(500, ["INTERNAL_ERROR"]) }
        try await Conformance.eventually("not ready") {
            try await TestClient.exchange(own.address, "GET", "/readyz").status != 200
        }
        try await administrator.execute("ALTER DATABASE \(identifier: name) ALLOW_CONNECTIONS true")
        try await Conformance.eventually("ready again") {
            try await TestClient.exchange(own.address, "GET", "/readyz").status == 200
        }
        let last = try await unrecorded(own, Conformance.config())
        #expect(last.status == 200, "ready, and yet: \(own.process.log.suffix(3000))")
        try await own.stop()
    }

    private func databaseName(_ service: ValidationService) async throws -> String {
        service.objectRoot.lastPathComponent
    }

    private func disconnect(_ name: String, _ administrator: Database) async throws {
        try await administrator.execute(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = \(name) AND usename LIKE '%_server'"
        )
    }

    /// A migration that may leave no record.
    private func unrecorded(_ service: ValidationService, _ config: String) async throws -> Verdict {
        let response = try await service.post(
            Page.migration,
            [
                FormPart("migration_manifest", Conformance.manifest(hash: Conformance.sha256(Array(config.utf8)))),
                FormPart("app_config", config),
            ])
        return try Verdict(response, scenario: "T1")
    }
}
