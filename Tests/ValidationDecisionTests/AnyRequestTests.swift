import Encoding
import EventLoop
import TestSupport
import Testing

/// What the contract says that any request may be answered, beside the statuses of its operation.
@Suite struct AnyRequestTests {
    let document: OpenAPIDocument
    let service: ValidationService

    init() async throws {
        document = try OpenAPIDocument.load()
        service = try await ValidationService.shared()
    }

    /// Bytes that come to no operation, with the answer.
    struct Stray: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: String
        let status: Int
        let code: String
        var scenario: String?
        /// Whether the path is one of those whose requests are all recorded.
        var isRecorded = false

        var testDescription: String { name }

        static func request(_ line: String, _ fields: String = "") -> String {
            "\(line)\r\nHost: test\r\n\(fields)\r\n"
        }

        static let all = [
            Stray(
                name: "an unknown path", bytes: request("GET /api/v1/nothing HTTP/1.1"), status: 404,
                code: "SCHEMA_INVALID"),
            Stray(name: "the root", bytes: request("GET / HTTP/1.1"), status: 404, code: "SCHEMA_INVALID"),
            Stray(
                name: "an unknown path below validate", bytes: request("POST /api/v1/validate/everything HTTP/1.1"),
                status: 404, code: "SCHEMA_INVALID", isRecorded: true),
            Stray(
                name: "GET of a decision", bytes: request("GET /api/v1/validate/migration HTTP/1.1"), status: 405,
                code: "SCHEMA_INVALID", scenario: "T1", isRecorded: true),
            Stray(
                name: "DELETE of a decision", bytes: request("DELETE /api/v1/validate/replication/ref HTTP/1.1"),
                status: 405, code: "SCHEMA_INVALID", scenario: "T2", isRecorded: true),
            Stray(
                name: "DELETE of the log", bytes: request("DELETE /api/v1/audit/logs HTTP/1.1"), status: 405,
                code: "SCHEMA_INVALID"),
            Stray(
                name: "a request line without an end in sight",
                bytes: request("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1"), status: 414, code: "PARSE_ERROR"
            ),
            Stray(
                name: "too large a header",
                bytes: request(
                    "POST /api/v1/validate/migration HTTP/1.1", "X-Large: \(String(repeating: "a", count: 40_000))\r\n"),
                status: 431, code: "PARSE_ERROR", scenario: "T1", isRecorded: true),
            Stray(
                name: "too many header fields",
                bytes: request(
                    "POST /api/v1/validate/replication HTTP/1.1", String(repeating: "X-A: 1\r\n", count: 101)),
                status: 431, code: "PARSE_ERROR", scenario: "T2", isRecorded: true),
            Stray(
                name: "a space before a colon",
                bytes: request("POST /api/v1/validate/migration HTTP/1.1", "X-A : 1\r\n"), status: 400,
                code: "PARSE_ERROR", scenario: "T1", isRecorded: true),
            Stray(
                name: "an expectation that nobody can meet",
                bytes: request(
                    "POST /api/v1/validate/migration HTTP/1.1", "Content-Length: 0\r\nExpect: a-miracle\r\n"),
                status: 417, code: "PARSE_ERROR", scenario: "T1", isRecorded: true),
            Stray(
                name: "a transfer coding that is not known",
                bytes: request("POST /api/v1/validate/migration HTTP/1.1", "Transfer-Encoding: gzip, chunked\r\n"),
                status: 501, code: "INTERNAL_ERROR", scenario: "T1", isRecorded: true),
            Stray(
                name: "another version of HTTP", bytes: request("GET /healthz HTTP/2.0"), status: 505,
                code: "INTERNAL_ERROR"),
        ]
    }

    @Test("what comes to no operation is blocked as the contract says", arguments: Stray.all)
    func blocked(_ stray: Stray) async throws {
        let address = service.address
        let response = try await TestLoops.run {
            let client = try await TestClient.connect(to: address)
            defer { client.close() }
            try await client.send(Array(stray.bytes.utf8))
            return try await client.receive()
        }
        #expect(response.status == stray.status, "\(response.text)")
        let checks = try ResponseChecks(response, document)
        try checks.matches(try #require(try document.responsesToAnyRequest[response.status], "is not declared"))
        try checks.decides("BLOCK", [stray.code], scenario: stray.scenario)
        let id = try #require(checks.json?["request_id"]?.string)
        #expect(try await service.auditRecords("request_id=\(id)").count == (stray.isRecorded ? 1 : 0))
    }

    @Test("a method that a path does not take is answered with those that it takes")
    func allow() async throws {
        let response = try await service.send("PUT", "/api/v1/validate/migration", token: service.validatorToken)
        #expect(response.status == 405)
        let allowed = response.field("allow")?.split(separator: ",").map { $0.trimmingPrefix(" ") } ?? []
        #expect(Set(allowed) == ["POST", "OPTIONS"])
    }

    @Test("OPTIONS is answered 204 with the methods, HEAD as GET without the body")
    func optionsAndHead() async throws {
        let options = try await service.send("OPTIONS", "/api/v1/audit/logs")
        #expect(options.status == 204)
        let allowed = options.field("allow")?.split(separator: ",").map { $0.trimmingPrefix(" ") } ?? []
        #expect(Set(allowed) == ["GET", "HEAD", "OPTIONS"])
        let head = try await service.send("HEAD", "/healthz")
        #expect(head.status == 200)
        #expect(head.body.isEmpty)
    }

    @Test("a request that stops arriving is blocked with 408")
    func tooSlow() async throws {
        let impatient = try await service.startAnother(["TRIVET_HEADER_TIMEOUT_MS": "100"])
        let address = impatient.address
        let response = try await TestLoops.run {
            let client = try await TestClient.connect(to: address)
            defer { client.close() }
            try await client.send(Array("POST /api/v1/validate/migration HTTP/1.1\r\nHost:".utf8))
            return try await client.receive()
        }
        #expect(response.status == 408)
        let checks = try ResponseChecks(response, document)
        try checks.matches(try #require(try document.responsesToAnyRequest[408]))
        #expect(checks.codes == ["PARSE_ERROR"])
        await impatient.end()
    }

    @Test("a connection that the listener has no room for is blocked with 503")
    func noRoom() async throws {
        let small = try await service.startAnother(["TRIVET_MAX_CONNECTIONS": "1", "TRIVET_EVENT_LOOPS": "1"])
        let address = small.address
        let response = try await TestLoops.run {
            // The connection of the readiness check may not be gone yet.
            var first = try await TestClient.connect(to: address)
            while try await first.exchange("GET", "/healthz").status != 200 {
                first.close()
                first = try await TestClient.connect(to: address)
            }
            defer { first.close() }
            let second = try await TestClient.connect(to: address)
            defer { second.close() }
            return try await second.exchange("GET", "/healthz")
        }
        #expect(response.status == 503)
        let checks = try ResponseChecks(response, document)
        try checks.matches(try #require(try document.responsesToAnyRequest[503]))
        #expect(checks.codes == ["INTERNAL_ERROR"])
        await small.end()
    }
}
