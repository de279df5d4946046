import Crypto
import Encoding
import EventLoop
import Foundation
import TestSupport
import Testing

/// Addresses and names of the reference page.
enum Page {
    static let migration = "/api/v1/validate/migration"
    static let replication = "/api/v1/validate/replication"
    static let reference = "/api/v1/validate/replication/ref"
    static let log = "/api/v1/audit/logs"

    static let scenarios = [migration: "T1", replication: "T2", reference: "T2"]

    /// Section 6.
    static let order = [
        "AUTH_FAILED", "PARSE_ERROR", "SCHEMA_INVALID", "INVALID_MANIFEST", "ARTIFACT_FETCH_FAILED",
        "CONFIG_HASH_MISMATCH", "SNAPSHOT_HASH_MISMATCH", "WAL_HASH_MISMATCH", "UNKNOWN_ENV", "UNSUPPORTED_SYNC_MODE",
        "TLS_DISABLED_PROD", "PUBLIC_PORT_EXPOSED", "SECRETS_REF_MISSING", "SECRETS_INLINE", "INTERNAL_ERROR",
    ]

    /// RFC 3339 in UTC with `Z`, to the second or finer.
    static func isTimestamp(_ text: String) -> Bool {
        text.wholeMatch(of: /\d{4}-[01]\d-[0-3]\dT[0-2]\d:[0-5]\d:[0-6]\d(\.\d+)?Z/) != nil
    }

    static func isDigest(_ text: String) -> Bool { text.wholeMatch(of: /[0-9a-f]{64}/) != nil }

    static func isVersion4(_ text: String) -> Bool {
        text.wholeMatch(of: /[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}/) != nil
    }
}

/// A ValidationResult, held against sections 3 and 6 as soon as it is read.
struct Verdict: Sendable {
    let response: TestResponse
    let json: JSONValue
    let requestID: String
    let decision: String
    let codes: [String]

    var status: Int { response.status }
    var hashes: JSONObject { json["artifacts"]?["computed_hashes"]?.object ?? JSONObject() }

    /// - Parameter scenario: of the path; nil where it belongs to none.
    init(_ response: TestResponse, scenario: String?, location: SourceLocation = #_sourceLocation) throws {
        self.response = response
        let shown = Comment(rawValue: "\(response.status) \(response.text.prefix(2000))")
        json = try JSONReader.parse(response.body)
        requestID = try #require(json["request_id"]?.string, shown, sourceLocation: location)
        decision = try #require(json["decision"]?.string, shown, sourceLocation: location)
        let reasons = try #require(json["reasons"]?.array, shown, sourceLocation: location)
        codes = reasons.compactMap { $0["code"]?.string }

        func check(_ holds: Bool, _ what: String) {
            #expect(holds, Comment(rawValue: "\(what): \(shown)"), sourceLocation: location)
        }
        check(response.field("content-type")?.hasPrefix("application/json") == true, "the body is JSON")
        check(Page.isVersion4(requestID), "request_id is a UUID version 4")
        check(response.field("x-request-id") == requestID, "X-Request-Id is request_id")
        check(["ALLOW", "BLOCK"].contains(decision), "decision is ALLOW or BLOCK")
        check(json["scenario"]?.string == scenario, "scenario is \(scenario ?? "left out")")
        check(scenario != nil || json.object?["scenario"] == nil, "scenario is left out, not null")
        check(codes.count == reasons.count, "every reason has a code")
        check(reasons.allSatisfy { $0["message"]?.string?.isEmpty == false }, "every reason has a message")
        check((decision == "BLOCK") == !reasons.isEmpty, "BLOCK has reasons, ALLOW has none")
        check(decision == "BLOCK" || response.status == 200, "ALLOW has status 200")
        let places = codes.map { Page.order.firstIndex(of: $0) ?? -1 }
        check(!places.contains(-1) && zip(places, places.dropFirst()).allSatisfy(<), "codes come once and in order")
        check(json["timestamp"]?.string.map(Page.isTimestamp) == true, "timestamp is RFC 3339 in UTC")
        check(json["artifacts"]?["computed_hashes"]?.object != nil, "computed_hashes is always there")
        let keys: Set<String> =
            switch scenario {
            case "T1": ["config"]
            case "T2": ["snapshot", "wal", "wal_files"]
            default: []
            }
        for member in hashes.members {
            check(keys.contains(member.key), "\(member.key) is a key of computed_hashes")
            let values =
                member.key == "wal_files" ? member.value.object?.members.map(\.value) ?? [.null] : [member.value]
            check(values.allSatisfy { $0.string.map(Page.isDigest) == true }, "\(member.key) has SHA-256 values")
        }
    }

    /// The decision is the expected one.
    func expect(
        _ status: Int, _ codes: [String], _ note: String = "", location: SourceLocation = #_sourceLocation
    ) {
        let shown = Comment(rawValue: "\(note) \(response.text.prefix(2000))")
        #expect(self.status == status, shown, sourceLocation: location)
        #expect(self.codes == codes, shown, sourceLocation: location)
    }

    /// Blocked with one of the codes that a reading of the page allows.
    func expectBlocked(
        _ statuses: Set<Int>, oneOf allowed: Set<String>, _ note: String = "",
        location: SourceLocation = #_sourceLocation
    ) {
        let shown = Comment(rawValue: "\(note) \(response.text.prefix(2000))")
        #expect(decision == "BLOCK", shown, sourceLocation: location)
        #expect(statuses.contains(status), shown, sourceLocation: location)
        #expect(!codes.isEmpty && allowed.isSuperset(of: codes), shown, sourceLocation: location)
    }

    func message(_ code: String) -> String {
        json["reasons"]?.array?.first { $0["code"]?.string == code }?["message"]?.string ?? ""
    }
}

/// A service and what the page says how to talk to it.
struct Conformance: Sendable {
    let service: ValidationService
    var address: SocketAddress

    static func shared() async throws -> Conformance {
        let service = try await ValidationService.shared()
        return Conformance(service: service, address: service.address)
    }

    /// The same database served by another process.
    func at(_ process: ServiceUnderTest) -> Conformance { Conformance(service: service, address: process.address) }

    static func sha256(_ bytes: [UInt8]) -> String { SHA256.hash(bytes).hex }

    // MARK: T1

    static func manifest(env: String = "prod", hash: String) -> String {
        #"{"app_id":"billing","env":"\#(env)","version":"1.4.2","config_sha256":"\#(hash)"}"#
    }

    /// A config in which every rule holds, with `extra` lines at its end.
    static func config(
        tls: String = "tls:\n  enabled: true", ports: String = "ports:\n  - 443",
        ref: String = "secrets_ref: vault://billing/prod", _ extra: String = ""
    ) -> String {
        [tls, ports, ref, extra].filter { !$0.isEmpty }.joined(separator: "\n") + "\n"
    }

    /// Sends a config with the manifest that fits it.
    func migrate(
        env: String = "prod", _ config: [UInt8], hash: String? = nil, location: SourceLocation = #_sourceLocation
    ) async throws -> Verdict {
        let manifest = Conformance.manifest(env: env, hash: hash ?? Conformance.sha256(config))
        return try await migrate(manifest: Array(manifest.utf8), config, location: location)
    }

    func migrate(
        env: String = "prod", _ config: String, location: SourceLocation = #_sourceLocation
    ) async throws -> Verdict {
        try await migrate(env: env, Array(config.utf8), location: location)
    }

    func migrate(
        manifest: [UInt8], _ config: [UInt8], location: SourceLocation = #_sourceLocation
    ) async throws -> Verdict {
        let parts = [
            FormPart(
                name: "migration_manifest", filename: "m.json", contentType: "application/json", content: manifest),
            FormPart(name: "app_config", filename: "app.yaml", contentType: "application/yaml", content: config),
        ]
        return try await form(Page.migration, parts, location: location)
    }

    // MARK: T2

    static func manifest(snapshotHash: String, mode: String = "async") -> String {
        "source_db: billing\ntarget_db: billing-replica\nexpected_snapshot_hash: \"\(snapshotHash)\"\nsync_mode: \(mode)\n"
    }

    func replicate(_ parts: [FormPart], location: SourceLocation = #_sourceLocation) async throws -> Verdict {
        try await form(Page.replication, parts, location: location)
    }

    /// Sends a reference manifest as YAML.
    func refer(
        _ manifest: String, type: String? = "application/yaml", location: SourceLocation = #_sourceLocation
    ) async throws -> Verdict {
        var fields: [String: String] = [:]
        fields["Content-Type"] = type
        return try await send("POST", Page.reference, fields, Array(manifest.utf8), location: location)
    }

    // MARK: HTTP

    func form(
        _ target: String, _ parts: [FormPart], _ fields: [String: String] = [:],
        location: SourceLocation = #_sourceLocation
    ) async throws -> Verdict {
        let body = FormBody(parts)
        var fields = fields
        fields["Content-Type"] = body.contentType
        return try await send("POST", target, fields, body.bytes, location: location)
    }

    /// Sends a request as the pipeline, and checks that it left exactly one record, which says the same.
    func send(
        _ method: String, _ target: String, _ fields: [String: String] = [:], _ body: [UInt8] = [],
        token: String? = nil, location: SourceLocation = #_sourceLocation
    ) async throws -> Verdict {
        var fields = fields
        fields["Authorization"] = fields["Authorization"] ?? "Bearer \(token ?? service.validatorToken)"
        let response = try await TestClient.exchange(address, method, target, fields: fields, body: body)
        return try await recorded(response, target, location: location)
    }

    /// The answer to a request of `target`, and its only record.
    func recorded(
        _ response: TestResponse, _ target: String, location: SourceLocation = #_sourceLocation
    ) async throws -> Verdict {
        let verdict = try Verdict(response, scenario: Page.scenarios[target], location: location)
        let records = try await service.auditRecords("request_id=\(verdict.requestID)")
        let shown = Comment(rawValue: "\(response.text.prefix(2000)) \(records)")
        #expect(records.count == (target.hasPrefix("/api/v1/validate/") ? 1 : 0), shown, sourceLocation: location)
        if let record = records.first {
            #expect(record["decision"]?.string == verdict.decision, shown, sourceLocation: location)
            #expect(record["scenario"]?.string == Page.scenarios[target], shown, sourceLocation: location)
            #expect(record["reasons"]?.array?.compactMap(\.string) == verdict.codes, shown, sourceLocation: location)
        }
        return verdict
    }

    /// Writes raw bytes on a connection of its own and reads one response.
    func exchange(_ bytes: [UInt8]) async throws -> TestResponse {
        let address = address
        return try await TestLoops.run {
            let client = try await TestClient.connect(to: address)
            defer { client.close() }
            try await client.send(bytes)
            return try await client.receive()
        }
    }

    /// Looks until `condition` holds; fails the test after a minute.
    static func eventually(
        _ what: Comment, location: SourceLocation = #_sourceLocation, _ condition: () async throws -> Bool
    ) async throws {
        let deadline = MonotonicTime.now() + .seconds(60)
        while !(try await condition()) {
            try #require(MonotonicTime.now() < deadline, what, sourceLocation: location)
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

/// A row of a table with the name it is shown under.
struct Row<Value: Sendable>: Sendable, CustomTestStringConvertible {
    let name: String
    let value: Value

    init(_ name: String, _ value: Value) {
        self.name = name
        self.value = value
    }

    var testDescription: String { name }
}
