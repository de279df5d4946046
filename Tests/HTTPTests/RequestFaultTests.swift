@testable import HTTP
import Testing

/// Every malformed form of a head, and what is said about it.
@Suite struct RequestFaultTests {
    struct Case: Sendable, CustomTestStringConvertible {
        let text: String
        let reason: HTTPFault.Reason
        init(_ text: String, _ reason: HTTPFault.Reason) {
            self.text = text
            self.reason = reason
        }
        var testDescription: String { "\(reason): \(text.debugDescription.prefix(60))" }
    }

    @Test("a malformed request line is refused", arguments: [
        Case(" / HTTP/1.1\r\n", .badMethod),
        Case("\tGET / HTTP/1.1\r\n", .badMethod),
        Case("\nGET / HTTP/1.1\r\n", .badMethod),
        Case("\u{16}\u{3}\u{1}", .badMethod),
        Case("\rGET / HTTP/1.1\r\n", .bareLineBreak),
        Case("G(T / HTTP/1.1\r\n", .badMethod),
        Case("GET\r\n", .badMethod),
        Case("GET\t/ HTTP/1.1\r\n", .badMethod),
        Case("GET \r\n", .badRequestLine),
        Case("GET /\r\n", .badRequestLine),
        Case("GET / \r\n", .badRequestLine),
        Case("GET  HTTP/1.1\r\n", .badRequestLine),
        Case("GET / HTTP/1.1 \r\n", .badRequestLine),
        Case("GET / http/1.1\r\n", .badRequestLine),
        Case("GET / HTTP/11\r\n", .badRequestLine),
        Case("GET / HTTP/1.x\r\n", .badRequestLine),
        Case("GET / HTTPS/1.1\r\n", .badRequestLine),
        Case("GET  / HTTP/1.1\r\n", .badTarget),
        Case("GET /  HTTP/1.1\r\n", .badTarget),
        Case("GET / x HTTP/1.1\r\n", .badTarget),
        Case("GET /\tx HTTP/1.1\r\n", .badTarget),
        Case("GET /#f HTTP/1.1\r\n", .badTarget),
        Case("GET /?q#f HTTP/1.1\r\n", .badTarget),
        Case("GET /a\\b HTTP/1.1\r\n", .badTarget),
        Case("GET /\u{e9} HTTP/1.1\r\n", .badTarget),
        Case("GET /?\u{e9} HTTP/1.1\r\n", .badTarget),
        Case("GET a HTTP/1.1\r\n", .badTarget),
        Case("GET * HTTP/1.1\r\n", .badTarget),
        Case("OPTIONS ** HTTP/1.1\r\n", .badTarget),
        Case("GET host:80 HTTP/1.1\r\n", .badTarget),
        Case("GET ftp://h/ HTTP/1.1\r\n", .badTarget),
        Case("GET http:// HTTP/1.1\r\n", .badTarget),
        Case("GET http:///a HTTP/1.1\r\n", .badTarget),
        Case("GET http://u@h/ HTTP/1.1\r\n", .badTarget),
        Case("GET /%00 HTTP/1.1\r\n", .badPath),
        Case("GET /%zz HTTP/1.1\r\n", .badPath),
        Case("GET /%2 HTTP/1.1\r\n", .badPath),
        Case("GET /% HTTP/1.1\r\n", .badPath),
        Case("GET /%ff HTTP/1.1\r\n", .badPath),
        Case("GET /%c0%ae HTTP/1.1\r\n", .badPath),
        Case("GET /. HTTP/1.1\r\n", .badPath),
        Case("GET /a/../b HTTP/1.1\r\n", .badPath),
        Case("GET /a/.. HTTP/1.1\r\n", .badPath),
        Case("GET /a/./b HTTP/1.1\r\n", .badPath),
        Case("GET /%2e%2E/b HTTP/1.1\r\n", .badPath),
        Case("GET /a%2f..%2fb HTTP/1.1\r\n", .badPath),
        Case("GET /a%5C..%5Cb HTTP/1.1\r\n", .badPath),
        Case("GET http://h/../b HTTP/1.1\r\n", .badPath),
        Case("CONNECT h:443 HTTP/1.1\r\n", .methodNotImplemented),
        Case("\(String(repeating: "M", count: 33)) / HTTP/1.1\r\n", .methodNotImplemented),
        Case("PRI * HTTP/2.0\r\n", .versionNotSupported),
        Case("GET / HTTP/1.2\r\n", .versionNotSupported),
        Case("GET / HTTP/0.9\r\n", .versionNotSupported),
        Case("GET / HTTP/1.1\n", .bareLineBreak),
        Case("GET / HTTP/1.1\rX", .bareLineBreak),
        Case("GET /\r HTTP/1.1\r\n", .bareLineBreak),
        Case("GET /\u{0} HTTP/1.1\r\n", .controlCharacter),
        Case("GET /\u{7f} HTTP/1.1\r\n", .controlCharacter),
        Case("GET /\(String(repeating: "a", count: 8192)) HTTP/1.1\r\n", .requestLineTooLong),
        Case("GET /\(String(repeating: "a", count: 9000))", .requestLineTooLong),
    ])
    func requestLines(_ example: Case) {
        #expect(parseHead(example.text).fault?.reason == example.reason)
    }

    @Test("malformed fields are refused", arguments: [
        Case("Host : h\r\n\r\n", .spaceBeforeColon),
        Case("Host\t: h\r\n\r\n", .spaceBeforeColon),
        Case("Host: h\r\nA b: c\r\n\r\n", .spaceBeforeColon),
        Case(" Host: h\r\n\r\n", .obsoleteFolding),
        Case("Host: h\r\nA: b\r\n c\r\n\r\n", .obsoleteFolding),
        Case("Host: h\r\nA: b\r\n\tc\r\n\r\n", .obsoleteFolding),
        Case("Host: h\r\n: b\r\n\r\n", .badFieldName),
        Case("Host: h\r\nA\r\n\r\n", .badFieldName),
        Case("Host: h\r\nA(b): c\r\n\r\n", .badFieldName),
        Case("Host: h\r\n\u{e9}: c\r\n\r\n", .badFieldName),
        Case("Host: h\r\nA\u{0}: c\r\n\r\n", .controlCharacter),
        Case("Host: h\r\nA: b\u{0}c\r\n\r\n", .controlCharacter),
        Case("Host: h\r\nA: b\u{1f}c\r\n\r\n", .controlCharacter),
        Case("Host: h\r\nA: \u{7f}\r\n\r\n", .controlCharacter),
        Case("Host: h\r\nA: 12345678901234567890\u{7f}\r\n\r\n", .controlCharacter),
        Case("Host: h\r\nA: b\n\r\n", .bareLineBreak),
        Case("Host: h\r\nA: b\rc\r\n\r\n", .bareLineBreak),
        Case("Host: h\r\nA: b\r\r\n\r\n", .bareLineBreak),
        Case("Host: h\r\nA\n: b\r\n\r\n", .bareLineBreak),
        Case("Host: h\r\n\rX", .bareLineBreak),
        Case("Host: h\r\n\n", .bareLineBreak),
        Case("\r\n", .missingHost),
        Case("Host: h\r\nHost: h\r\n\r\n", .repeatedHost),
        Case("Host:\r\n\r\n", .badHost),
        Case("Host: a b\r\n\r\n", .badHost),
        Case("Host: a/b\r\n\r\n", .badHost),
        Case("Host: u@h\r\n\r\n", .badHost),
        Case("Host: h:80a\r\n\r\n", .badHost),
        Case("Host: h:123456\r\n\r\n", .badHost),
        Case("Host: :80\r\n\r\n", .badHost),
        Case("Host: [::1\r\n\r\n", .badHost),
        Case("Host: []\r\n\r\n", .badHost),
        Case("Host: h, i\r\n\r\n", .badHost),
        Case("Host: h\r\nContent-Length: \r\n\r\n", .badContentLength),
        Case("Host: h\r\nContent-Length: -1\r\n\r\n", .badContentLength),
        Case("Host: h\r\nContent-Length: +1\r\n\r\n", .badContentLength),
        Case("Host: h\r\nContent-Length: 0x1\r\n\r\n", .badContentLength),
        Case("Host: h\r\nContent-Length: 1 1\r\n\r\n", .badContentLength),
        Case("Host: h\r\nContent-Length: 5, 5\r\n\r\n", .badContentLength),
        Case("Host: h\r\nContent-Length: 1.0\r\n\r\n", .badContentLength),
        Case("Host: h\r\nContent-Length: 9223372036854775808\r\n\r\n", .badContentLength),
        Case("Host: h\r\nContent-Length: 99999999999999999999\r\n\r\n", .badContentLength),
        Case("Host: h\r\nContent-Length: 18446744073709551617\r\n\r\n", .badContentLength),
        Case("Host: h\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\n", .repeatedContentLength),
        Case("Host: h\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n", .repeatedContentLength),
        Case("Host: h\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", .conflictingFraming),
        Case("Host: h\r\nTransfer-Encoding: chunked\r\nContent-Length: 0\r\n\r\n", .conflictingFraming),
        Case("Host: h\r\nTransfer-Encoding: \r\n\r\n", .badTransferEncoding),
        Case("Host: h\r\nTransfer-Encoding: chunked, chunked\r\n\r\n", .badTransferEncoding),
        Case("Host: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", .badTransferEncoding),
        Case("Host: h\r\nTransfer-Encoding: chunked, gzip\r\n\r\n", .badTransferEncoding),
        Case("Host: h\r\nTransfer-Encoding: chunked;q=1\r\n\r\n", .badTransferEncoding),
        Case("Host: h\r\nTransfer-Encoding: ,chunked\r\n\r\n", .badTransferEncoding),
        Case("Host: h\r\nTransfer-Encoding: \"chunked\"\r\n\r\n", .badTransferEncoding),
        Case("Host: h\r\nTransfer-Encoding: \u{b}chunked\r\n\r\n", .controlCharacter),
        Case("Host: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", .unknownTransferCoding),
        Case("Host: h\r\nTransfer-Encoding: identity\r\n\r\n", .unknownTransferCoding),
        Case("Host: h\r\nTransfer-Encoding: xchunked\r\n\r\n", .unknownTransferCoding),
        Case("Host: h\r\nExpect: 200-ok\r\n\r\n", .expectationFailed),
        Case("Host: h\r\nExpect: 100-continue, x\r\n\r\n", .expectationFailed),
        Case("Host: h\r\nA: \(String(repeating: "b", count: 33_000))\r\n\r\n", .headerTooLarge),
        Case("Host: h\r\nA: \(String(repeating: "b", count: 33_000))", .headerTooLarge),
        Case("\(String(repeating: "b", count: 33_000))", .headerTooLarge),
        Case("Host: h\r\n\(String(repeating: "A: b\r\n", count: 100))\r\n", .tooManyFields),
    ])
    func fields(_ example: Case) throws {
        let fault = try #require(parseHead("PUT /p HTTP/1.1\r\n" + example.text).fault)
        #expect(fault.reason == example.reason)
        #expect(fault.method == .put)
        #expect(fault.path == "/p")
    }

    @Test("HTTP/1.0 has no transfer codings")
    func oldVersion() {
        #expect(parseHead("GET / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n").fault?.reason == .conflictingFraming)
        #expect(parseHead("GET / HTTP/1.0\r\n\r\n").request?.host == nil)
    }

    @Test("reasons carry the status the RFCs ask for")
    func statuses() {
        let expected: [HTTPFault.Reason: Int] = [
            .requestLineTooLong: 414, .headerTooLarge: 431, .tooManyFields: 431, .versionNotSupported: 505,
            .unknownTransferCoding: 501, .methodNotImplemented: 501, .expectationFailed: 417, .requestTimeout: 408,
            .overCapacity: 503,
        ]
        for reason in HTTPFault.Reason.allCases {
            #expect(reason.status.code == expected[reason] ?? 400, "\(reason)")
        }
    }

    @Test("limits hold to the byte")
    func exactLimits() {
        var limits = HTTPLimits()
        limits.requestLineBytes = 64
        limits.headerBytes = 256
        limits.headerCount = 8
        func line(_ count: Int) -> String { "GET /\(String(repeating: "a", count: count - 14)) HTTP/1.1\r\nHost: h\r\n\r\n" }
        #expect(parseHead(line(64), limits: limits).request != nil)
        #expect(parseHead(line(65), limits: limits).fault?.reason == .requestLineTooLong)
        func fields(_ count: Int) -> String {
            "GET / HTTP/1.1\r\nHost: h\r\nA: \(String(repeating: "b", count: count - 16))\r\n\r\n"
        }
        #expect(parseHead(fields(256), limits: limits).request != nil)
        #expect(parseHead(fields(257), limits: limits).fault?.reason == .headerTooLarge)
        func many(_ count: Int) -> String {
            "GET / HTTP/1.1\r\nHost: h\r\n\(String(repeating: "A: b\r\n", count: count - 1))\r\n"
        }
        #expect(parseHead(many(8), limits: limits).request?.fields.count == 8)
        #expect(parseHead(many(9), limits: limits).fault?.reason == .tooManyFields)
    }

    @Test("the limits that are delivered agree with each other, and others are checked")
    func limitRelations() {
        #expect(HTTPLimits().violation() == nil)
        var limits = HTTPLimits()
        limits.trailerBytes = limits.headerBytes + 1
        #expect(limits.violation() == "trailerBytes is above headerBytes")
        limits = HTTPLimits()
        limits.idleTimeout = .zero
        #expect(limits.violation() == "idleTimeout is not positive")
        limits = HTTPLimits()
        limits.multipart.parts = 0
        #expect(limits.violation() == "multipart.parts is below 1")
    }
}
