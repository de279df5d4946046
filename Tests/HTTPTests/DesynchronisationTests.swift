import Foundation
import HTTP
import Locking
import Testing

/// Whatever arrives, requests and answers stay in step, and nothing stands in the way of the next client.
@Suite struct DesynchronisationTests {
    static let attacks: [(wire: String, status: Int)] = [
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nabcde", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nContent-Length: 5\r\n\r\nabcde", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: +5\r\n\r\nabcde", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5, 5\r\n\r\nabcde", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nContent-Length : 5\r\n\r\nabcde", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: gzip\r\n\r\n", 501),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: \u{b}chunked\r\n\r\n0\r\n\r\n", 400),
        ("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
        ("GET / HTTP/1.1\nHost: a\n\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: a\rb\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\n folded: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nX: \0\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\n\r\n", 400),
        ("GET  / HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET /\u{1} HTTP/1.1\r\nHost: a\r\n\r\n", 400),
        ("GET / HTTP/2.0\r\nHost: a\r\n\r\n", 505),
        ("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    ]

    @Test("what is not a request is answered once and closes, and what follows it is never taken for a request", arguments: attacks)
    func attack(wire: String, status: Int) async throws {
        let paths = Locked<[String]>([])
        try await withServer { request in
            paths.withLock { $0.append(request.path) }
            return await echo(request)
        } _: { server in
            let client = try server.client()
            #expect(try client.exchange("GET /before HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
            try client.send(wire + "GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
            let response = try client.readResponse()
            #expect(response.status == status)
            #expect(response.header("connection") == "close")
            #expect(try client.isAtEnd())
            #expect(paths.withLock { $0 } == ["/before"])
        }
    }

    @Test(
        "a broken chunk is the handler's error and closes",
        arguments: ["5\r\nabc\r\n0\r\n\r\n", "x\r\n", "-1\r\n\r\n", "5;\u{1}\r\nhello\r\n0\r\n\r\n", "0x5\r\nhello\r\n0\r\n\r\n",
            "FFFFFFFFFFFFFFFFF\r\n", "5\nhello\n0\n\n", "5\r\nhello0\r\n\r\n"])
    func brokenChunk(body: String) async throws {
        let count = Locked(0)
        try await withServer { request in
            count.withLock { $0 += 1 }
            return await echo(request)
        } _: { server in
            let client = try server.client()
            try client.send(
                "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n\(body)GET /smuggled HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.readResponse().status == 400)
            #expect(try client.isAtEnd())
            #expect(count.withLock { $0 } == 1)
        }
    }

    @Test("limits of a head are answered as what they are")
    func headLimits() async throws {
        try await withServer(respond: echo) { server in
            let long = String(repeating: "a", count: 9_000)
            #expect(try server.client().exchange("GET /\(long) HTTP/1.1\r\nHost: a\r\n\r\n").status == 414)
            let field = "X: " + String(repeating: "b", count: 4_000) + "\r\n"
            let many = String(repeating: field, count: 9)
            #expect(try server.client().exchange("GET / HTTP/1.1\r\nHost: a\r\n\(many)\r\n").status == 431)
            #expect(
                try server.client().exchange("GET / HTTP/1.1\r\nHost: a\r\n\(String(repeating: "A: b\r\n", count: 101))\r\n")
                    .status == 431)
            // Just under all limits, larger than one piece of memory.
            let large = String(repeating: field, count: 7)
            let client = try server.client()
            for _ in 0..<2 { #expect(try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\(large)\r\n").status == 200) }
        }
    }

    @Test("valid requests stay in step however they are framed and cut", arguments: 0..<40)
    func randomRequests(seed: UInt64) async throws {
        var random = XorShift(seed)
        try await withServer(respond: echo) { server in
            let client = try server.client()
            var wire: [UInt8] = []
            var expected: [String] = []
            for number in 0..<Int.random(in: 1...40, using: &random) {
                let body = String(repeating: "b", count: Int.random(in: 0...3_000, using: &random))
                switch Int.random(in: 0..<4, using: &random) {
                case 0:
                    wire += Array("GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n".utf8)
                    expected.append("GET /\(number) ")
                case 1:
                    wire += Array("PUT /\(number) HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
                    expected.append("PUT /\(number) \(body)")
                default:
                    wire += Array("POST /\(number) HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n".utf8)
                    var rest = Substring(body)
                    while !rest.isEmpty {
                        let piece = rest.prefix(Int.random(in: 1...700, using: &random))
                        rest = rest.dropFirst(piece.count)
                        wire += Array("\(String(piece.count, radix: 16))\r\n\(piece)\r\n".utf8)
                    }
                    wire += Array("0\r\n\r\n".utf8)
                    expected.append("POST /\(number) \(body)")
                }
            }
            var at = 0
            while at < wire.count {
                let end = min(wire.count, at + Int.random(in: 1...2_000, using: &random))
                try client.send(Array(wire[at..<end]))
                at = end
            }
            for text in expected { #expect(try client.readResponse().text == text, "seed \(seed)") }
        }
    }

    @Test("random bytes end their own connection and no other", arguments: 0..<20)
    func garbage(seed: UInt64) async throws {
        var random = XorShift(seed)
        try await withServer(respond: echo) { server in
            let good = try server.client()
            for _ in 0..<20 {
                let client = try server.client()
                var bytes = (0..<Int.random(in: 1...3_000, using: &random)).map { _ in
                    UInt8.random(in: 0...255, using: &random)
                }
                if Bool.random(using: &random) { bytes = Array("POST / HTTP/1.1\r\nHost: a\r\n".utf8) + bytes }
                try? client.send(bytes)
                client.finishSending()
                _ = try? client.readToEnd()
                #expect(try good.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status == 200, "seed \(seed)")
            }
        }
    }
}

struct XorShift: RandomNumberGenerator {
    private var state: UInt64
    init(_ seed: UInt64) { state = (seed &+ 1) &* 0x9E37_79B9_7F4A_7C15 }

    mutating func next() -> UInt64 {
        state ^= state << 13
        state ^= state >> 7
        state ^= state << 17
        return state
    }
}
