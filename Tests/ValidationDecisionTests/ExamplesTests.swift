import Crypto
import Encoding
import Postgres
import TestSupport
import Testing

@testable import ValidationDecision

/// Sends every example of the contract to the running service. In the order of the file, so that the log has records when
/// its turn comes.
@Suite(.serialized) struct ExamplesTests {
    let document: OpenAPIDocument
    let service: ValidationService

    init() async throws {
        document = try OpenAPIDocument.load()
        service = try await ValidationService.shared()
    }

    @Test(
        "an example of the contract is answered as it says",
        arguments: try OpenAPIDocument.load().operations.flatMap(\.examples))
    func answered(_ example: ExecutedExample) async throws {
        // What records of this very request are found by.
        let mark = "example-\(SecureRandom.next64())"
        var fields = example.fields
        fields["X-Request-Id"] = mark
        let response = try await service.send(
            example.method, example.target, token: token(of: example), fields: fields, body: example.body)

        #expect(response.status == example.expected.status, "\(response.text)")
        let operation = try #require(document.operations.first { $0.operationID == example.operationID })
        let checks = try ResponseChecks(response, document)
        try checks.matches(try #require(operation.responses[response.status], "\(response.status) is not declared"))
        if let decision = example.expected.decision {
            try checks.decides(decision, example.expected.reasons, scenario: example.scenario)
        }
        if let link = example.expected.link { #expect((response.field("link") != nil) == link) }

        if example.scenario != nil {
            try await isRecordedOnce(example, mark, checks)
            hashesAreTrue(example, checks)
        } else if example.operationID == "listAuditRecords", response.status == 200 {
            fitsFilters(try #require(checks.json?.array), example)
        }
    }

    private func token(of example: ExecutedExample) -> String? {
        switch example.token {
        case .validator: service.validatorToken
        case .auditor: service.auditorToken
        case .none: nil
        }
    }

    /// The log has one record of the request, and it says what the answer said.
    private func isRecordedOnce(_ example: ExecutedExample, _ mark: String, _ checks: ResponseChecks) async throws {
        let id = try #require(checks.json?["request_id"]?.string)
        let records = try await service.auditRecords("request_id=\(id)")
        #expect(records.count == 1)
        let record = try #require(records.first)
        #expect(record["decision"] == checks.json?["decision"])
        #expect(record["scenario"] == checks.json?["scenario"])
        #expect(record["reasons"]?.array?.compactMap(\.string) == checks.codes)
        #expect(record["timestamp"] == checks.json?["timestamp"])
        #expect(record["status"]?.int == checks.response.status)
        #expect(record["endpoint"]?.string == "\(example.method) \(example.path)")
        #expect(record["client_request_id"]?.string == mark)
        #expect(record["client"]?.string == client(of: example))
        let count = try await service.database.one(
            "SELECT count(*) FROM validation_audit WHERE client_request_id = \(mark)" as SQL<Int64>)
        #expect(count == 1)
    }

    private func client(of example: ExecutedExample) -> String? {
        switch example.token {
        case .validator: ValidationService.pipeline
        case .auditor: ValidationService.reviewer
        case .none: nil
        }
    }

    /// What was hashed is what was sent, or what the store holds.
    private func hashesAreTrue(_ example: ExecutedExample, _ checks: ResponseChecks) {
        guard checks.response.status == 200 else { return }
        let hashes = checks.json?["artifacts"]?["computed_hashes"]
        for part in example.parts {
            let hash = SHA256.hash(part.content).hex
            switch part.name {
            case "app_config": #expect(hashes?["config"]?.string == hash)
            case "snapshot": #expect(hashes?["snapshot"]?.string == hash)
            case "wal_files": #expect(hashes?["wal_files"]?[part.filename ?? ""]?.string == hash)
            default: break
            }
        }
        if example.operationID == "validateReplicationReference", example.expected.decision == "ALLOW" {
            let manifest = String(decoding: example.body, as: UTF8.self)
            for object in document.objects where manifest.contains("s3://\(object.bucket)/\(object.key)\"") {
                let key = object.key.contains("/wal") ? "wal" : "snapshot"
                #expect(hashes?[key]?.string == SHA256.hash(object.content).hex)
            }
        }
    }

    /// Records are newest first, no more than asked for, and none that a filter leaves out.
    private func fitsFilters(_ records: [JSONValue], _ example: ExecutedExample) {
        let limit = example.parameter("limit").flatMap { Int($0) } ?? 100
        #expect(records.count <= limit)
        let sequences = records.compactMap { $0["sequence"]?.int }
        #expect(sequences == sequences.sorted(by: >))
        for record in records {
            for name in ["decision", "scenario", "client", "request_id"] {
                if let wanted = example.parameter(name) { #expect(record[name]?.string == wanted) }
            }
            if let reason = example.parameter("reason") {
                #expect(record["reasons"]?.array?.contains(.string(reason)) == true)
            }
        }
        // These filters fit requests that earlier examples have sent.
        if ["decision", "reason", "client", "since"].contains(where: { example.parameter($0) != nil }) {
            #expect(!records.isEmpty)
        }
    }
}
