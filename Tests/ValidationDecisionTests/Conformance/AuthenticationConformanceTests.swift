import Encoding
import EventLoop
import TestSupport
import Testing

/// Section 3 of the reference: who may ask.
@Suite(.serialized) struct AuthenticationConformanceTests {
    let target: Conformance

    init() async throws { target = try await Conformance.shared() }

    /// Values of Authorization that are no valid token; `*` stands for one.
    static let refused: [Row<String?>] = [
        Row("none", nil), Row("an empty value", ""), Row("the scheme alone", "Bearer"),
        Row("the scheme and a blank", "Bearer "), Row("a token without its scheme", "*"),
        Row("another scheme", "Basic *"), Row("another scheme that begins alike", "BearerX *"),
        Row("an unknown token", "Bearer 0123456789abcdef0123456789abcdef"),
        Row("a token with something behind", "Bearer *x"), Row("a token with something before", "Bearer x*"),
        Row("two tokens", "Bearer * *"), Row("a list of tokens", "Bearer *, Bearer *"),
        Row("a quoted token", "Bearer \"*\""),
        Row("a very long token", "Bearer " + String(repeating: "a", count: 8000)),
        Row("bytes beyond ASCII", "Bearer t\u{f6}k\u{e9}n"), Row("SQL", "Bearer ' OR 1=1 --"),
    ]

    static let paths = [Page.migration, Page.replication, Page.reference]

    @Test("no valid token: 401, WWW-Authenticate, BLOCK, AUTH_FAILED, one record", arguments: refused, paths)
    func unauthenticated(_ row: Row<String?>, _ path: String) async throws {
        var fields = ["Content-Type": "application/json"]
        fields["Authorization"] = row.value?.replacing("*", with: target.service.validatorToken)
        let response = try await TestClient.exchange(
            target.address, "POST", path, fields: fields, body: Array("{}".utf8))
        let verdict = try await target.recorded(response, path)
        verdict.expect(401, ["AUTH_FAILED"])
        #expect(response.field("www-authenticate")?.hasPrefix("Bearer") == true)
        #expect(verdict.hashes.isEmpty)
        #expect(!response.text.contains(target.service.validatorToken))
    }

    @Test("a valid token whose last digit is another one is unknown")
    func almost() async throws {
        let token = target.service.validatorToken
        let other = token.dropLast() + (token.last == "0" ? "1" : "0")
        let verdict = try await target.send("POST", Page.reference, [:], [], token: String(other))
        verdict.expect(401, ["AUTH_FAILED"])
    }

    @Test("two Authorization fields are malformed, even if one of them is valid")
    func twice() async throws {
        let token = target.service.validatorToken
        for other in ["Bearer nonsense", "Bearer \(token)", "Basic abc"] {
            let head =
                "POST \(Page.reference) HTTP/1.1\r\nHost: test\r\nAuthorization: \(other)\r\n"
                + "Authorization: Bearer \(token)\r\nContent-Length: 0\r\n\r\n"
            let verdict = try await target.recorded(try await target.exchange(Array(head.utf8)), Page.reference)
            #expect(verdict.decision == "BLOCK")
            #expect([400, 401].contains(verdict.status), "\(verdict.response.text)")
        }
    }

    @Test("the log needs a token too, and a refusal there is no record of it")
    func logWithoutToken() async throws {
        for authorization in ["", "Bearer nonsense"] {
            let response = try await TestClient.exchange(
                target.address, "GET", Page.log, fields: ["Authorization": authorization])
            let verdict = try await target.recorded(response, Page.log)
            verdict.expect(401, ["AUTH_FAILED"])
            #expect(response.field("www-authenticate")?.hasPrefix("Bearer") == true)
        }
    }

    @Test("the answer to a client without a token comes before its body", arguments: paths)
    func beforeTheBody(_ path: String) async throws {
        let heads = [
            "Content-Length: 1000000000\r\n", "Content-Length: 1000000000\r\nExpect: 100-continue\r\n",
            "Transfer-Encoding: chunked\r\n", "Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n",
        ]
        for head in heads {
            let bytes =
                "POST \(path) HTTP/1.1\r\nHost: test\r\nContent-Type: multipart/form-data; boundary=x\r\n\(head)\r\n"
            let address = target.address
            let response = try await TestLoops.run {
                let client = try await TestClient.connect(to: address)
                defer { client.close() }
                try await client.send(Array(bytes.utf8))
                // An invitation to send the body would be an interim response and fail the test.
                return try await client.receive(keepInterim: true)
            }
            let verdict = try await target.recorded(response, path)
            verdict.expect(401, ["AUTH_FAILED"])
        }
    }

    @Test("authentication comes before every complaint about the body", arguments: paths)
    func beforeComplaints(_ path: String) async throws {
        for (type, body) in [("text/plain", "x"), ("multipart/form-data", "x"), ("application/json", "{{{")] {
            let response = try await TestClient.exchange(
                target.address, "POST", path, fields: ["Content-Type": type], body: Array(body.utf8))
            try await target.recorded(response, path).expect(401, ["AUTH_FAILED"])
        }
    }

    @Test("an auditor reads the log and validates nothing", arguments: paths)
    func auditor(_ path: String) async throws {
        let token = target.service.auditorToken
        let read = try await TestClient.exchange(
            target.address, "GET", Page.log, fields: ["Authorization": "Bearer \(token)"])
        #expect(read.status == 200)
        let form = FormBody([
            FormPart(
                "migration_manifest", Conformance.manifest(hash: Conformance.sha256(Array(Conformance.config().utf8)))),
            FormPart("app_config", Conformance.config()),
        ])
        let verdict = try await target.send(
            "POST", path, ["Content-Type": form.contentType], form.bytes, token: token)
        verdict.expectBlocked([401, 403], oneOf: ["AUTH_FAILED"])
        let record = try #require(try await target.service.auditRecords("request_id=\(verdict.requestID)").first)
        #expect(record["client"]?.string == ValidationService.reviewer)
    }

    @Test("a validator reads the log")
    func validatorReads() async throws {
        let response = try await TestClient.exchange(
            target.address, "GET", Page.log, fields: ["Authorization": "Bearer \(target.service.validatorToken)"])
        #expect(response.status == 200)
        #expect(try JSONReader.parse(response.body).array != nil)
    }

    @Test("a record names the client by its token's name, and never the token")
    func client() async throws {
        let verdict = try await target.migrate(Conformance.config())
        let records = try await target.service.auditRecords("request_id=\(verdict.requestID)")
        #expect(records.first?["client"]?.string == ValidationService.pipeline)
        let log = try await target.service.send(
            "GET", "\(Page.log)?limit=1000", token: target.service.auditorToken)
        for token in [target.service.validatorToken, target.service.auditorToken] {
            #expect(!log.text.contains(token))
            #expect(!target.service.process.log.contains(token))
        }
    }
}
