import EventLoop
import Foundation
import TestSupport
import Testing

/// What the contract says that any request may be answered, beside the statuses of its operation.
@Suite struct AnyRequestTests {
    let contract: SiteContract

    init() throws { contract = try SiteContract.shared.get() }

    /// Bytes that come to no operation, with the answer.
    struct Stray: Sendable, CustomTestStringConvertible {
        let name: String
        let bytes: String
        let status: Int
        var code = "bad_request"

        var testDescription: String { name }

        private static func request(_ line: String, _ fields: String = "") -> String { "\(line)\r\nHost: test\r\n\(fields)\r\n" }

        static let all = [
            Stray(name: "the root", bytes: request("GET / HTTP/1.1"), status: 404, code: "not_found"),
            Stray(
                name: "an unknown path below /api", bytes: request("GET /api/nothing HTTP/1.1"), status: 404, code: "not_found"),
            Stray(
                name: "a path of the contract without /api", bytes: request("GET /sites HTTP/1.1"), status: 404, code: "not_found"),
            Stray(name: "settings below /api", bytes: request("GET /api/settings HTTP/1.1"), status: 404, code: "not_found"),
            Stray(name: "PUT of a site", bytes: request("PUT /api/sites HTTP/1.1"), status: 405, code: "method_not_allowed"),
            Stray(
                name: "DELETE of a site", bytes: request("DELETE /api/sites/x HTTP/1.1"), status: 405, code: "method_not_allowed"),
            Stray(
                name: "an encoded slash in an id", bytes: request("GET /api/sites/a%2Fb HTTP/1.1"), status: 404, code: "not_found"),
            Stray(name: "a space before a colon", bytes: request("GET /api/sites HTTP/1.1", "X-A : 1\r\n"), status: 400),
            Stray(
                name: "a request line without an end in sight",
                bytes: request("GET /\(String(repeating: "a", count: 9000)) HTTP/1.1"), status: 414),
            Stray(
                name: "too large a header",
                bytes: request("GET /api/sites HTTP/1.1", "X-Large: \(String(repeating: "a", count: 40_000))\r\n"), status: 431),
            Stray(
                name: "an expectation that nobody can meet",
                bytes: request("POST /api/sites HTTP/1.1", "Content-Length: 0\r\nExpect: a-miracle\r\n"), status: 417),
            Stray(
                name: "a transfer coding that is not known",
                bytes: request("POST /api/sites HTTP/1.1", "Transfer-Encoding: gzip, chunked\r\n"), status: 501),
            Stray(name: "another version of HTTP", bytes: request("GET /api/sites HTTP/2.0"), status: 505),
        ]
    }

    @Test("what comes to no operation is answered as the contract says", arguments: Stray.all)
    func answered(_ stray: Stray) async throws {
        let address = try await Panel.shared().process.address
        let response = try await TestLoops.run {
            let client = try await TestClient.connect(to: address)
            defer { client.close() }
            try await client.send(Array(stray.bytes.utf8))
            return try await client.receive()
        }
        #expect(response.status == stray.status, "\(response.text)")
        #expect(Answer(response).code == stray.code)
        // Of no operation, whatever its path looks like.
        #expect(try contract.problems(of: response, to: "GET", "/of/nothing").isEmpty, "\(response.text)")
        if stray.status == 405 { #expect(response.field("allow") != nil) }
    }
}
