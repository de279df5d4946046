import EventLoop
import Glibc
import Locking
import TestSupport
import Testing

@testable import Outbound

@Suite struct HTTPClientTests {
    @Test("a small object arrives with its head, and without its body for HEAD")
    func getAndHead() async throws {
        let double = try await anonymousDouble()
        let client = HTTPClient.test()
        let response = try await client.get("\(double.url)/b/generated/100000").get()
        #expect(response.status == 200 && response.body.count == 100_000)
        #expect(response.head.declaredLength == 100_000 && response.headers.first("ETAG") != nil)
        let head = try await client.attempt(OutboundRequest(.head, try OutboundURL(parsing: "\(double.url)/b/generated/100000"))).get()
        #expect(head.status == 200 && head.body.isEmpty && head.head.declaredLength == 100_000)
        #expect(try await client.get("\(double.url)/b/nothing").get().status == 404)
    }

    @Test("a body in memory and a body from a source arrive whole")
    func uploads() async throws {
        let double = try await anonymousDouble()
        let client = HTTPClient.test()
        let url = try OutboundURL(parsing: "\(double.url)/b/uploads/memory")
        let bytes = (0..<3_000_000).map { UInt8(truncatingIfNeeded: $0 / 251) }
        #expect(try await client.attempt(OutboundRequest(.put, url, body: .bytes(bytes))).get().status == 200)
        #expect(try await client.get("\(double.url)/b/uploads/memory").get().body == bytes)

        let pulls = Locked(0)
        let streamed = OutboundRequest(
            .put, try OutboundURL(parsing: "\(double.url)/b/uploads/stream"),
            body: .stream(length: 3_000_000) {
                let start = pulls.withLock { count in
                    defer { count += 1 }
                    return count * 100_000
                }
                await Task.yield()
                return start < bytes.count ? Array(bytes[start..<start + 100_000]) : nil
            })
        #expect(try await client.attempt(streamed).get().status == 200)
        #expect(try await client.get("\(double.url)/b/uploads/stream").get().body == bytes)
        #expect(try await client.attempt(OutboundRequest(.put, url)).get().status == 200)
        #expect(try await client.get(url.origin + url.target).get().body == [])
    }

    @Test("a source that gives another length than it declared, or fails, ends the transfer", arguments: [-1, 0, 1])
    func badSources(kind: Int) async throws {
        struct Broken: Error {}
        let double = try await anonymousDouble()
        let given = Locked(false)
        let body = OutboundBody.stream(length: 10) {
            if kind == 0 { throw Broken() }
            let first = given.withLock { value in
                defer { value = true }
                return !value
            }
            return first ? [UInt8](repeating: 1, count: 10 + kind) : nil
        }
        let url = try OutboundURL(parsing: "\(double.url)/b/uploads/bad\(kind)")
        let result = try await HTTPClient.test().attempt(OutboundRequest(.put, url, body: body))
        #expect(result.unclear == .uploadFailed)
    }

    @Test("a redirect is an answer, not an instruction")
    func redirect() async throws {
        let double = try await anonymousDouble()
        try await double.fault("b/redirected", "redirect", #""location": "\#(double.url)/b/generated/7""#)
        let response = try await HTTPClient.test().get("\(double.url)/b/redirected").get()
        #expect(response.status == 307 && response.body.isEmpty)
    }

    @Test("an answer that is not whole or not HTTP is an error of its kind", arguments: [
        ("short", #""after": 1000"#, OutboundError.UnclearReason.shortBody),
        ("short", #""after": 0"#, .shortBody),
        ("reset", #""after": 1000"#, .connectionLost),
        ("drop", "", .connectionLost),
        ("garbage", "", .malformedResponse),
        ("two_lengths", "", .malformedResponse),
        ("big_head", #""bytes": 40000"#, .headTooLarge),
        ("interim", #""count": 2000"#, .headTooLarge),
        ("length", #""length": 200001"#, .shortBody),
        ("length", #""length": 3000000000"#, .bodyTooLarge),
        ("chunked", #""after": 1000"#, .shortBody),
    ])
    func brokenAnswers(kind: String, fields: String, expected: OutboundError.UnclearReason) async throws {
        let double = try await anonymousDouble()
        let key = "b/generated/200000/broken-\(kind)-\(fields.filter(\.isNumber))"
        try await double.fault(key, kind, fields)
        let result = try await HTTPClient.test().get("\(double.url)/\(key)")
        #expect(result.unclear == expected, "\(result)")
        #expect(result.error?.isCertainlyNotSent == false)
    }

    @Test("chunked bodies, bodies that end with the connection and interim answers are understood", arguments: [
        ("chunked", ""), ("no_length", ""), ("interim", #""count": 3"#), ("html", ""),
    ])
    func framings(kind: String, fields: String) async throws {
        let double = try await anonymousDouble()
        let key = "b/generated/200000/framing-\(kind)"
        try await double.fault(key, kind, fields)
        let response = try await HTTPClient.test().get("\(double.url)/\(key)").get()
        #expect(response.status == 200 && (kind == "html" || response.body.count == 200_000))
        #expect(response.head.isDelimited == (kind != "no_length"))
    }

    @Test("silence before the head and in the body is a stall; slow but steady bytes are not")
    func stalls() async throws {
        let double = try await anonymousDouble()
        let client = HTTPClient.test(.test(stall: .milliseconds(300)))
        for after in [-1, 0, 50_000] {
            let key = "b/generated/200000/stall\(after)"
            try await double.fault(key, "stall", #""after": \#(after)"#)
            #expect(try await client.get("\(double.url)/\(key)").unclear == .stalled)
        }
        try await double.fault("b/generated/20000/slow", "slow", #""pause_ms": 40, "piece": 1000"#)
        let patient = HTTPClient.test(.test(stall: .seconds(5)))
        #expect(try await patient.get("\(double.url)/b/generated/20000/slow").get().body.count == 20_000)
    }

    @Test("steady bytes past the deadline are an error")
    func deadline() async throws {
        let double = try await anonymousDouble()
        try await double.fault("b/generated/200000/deadline", "slow", #""pause_ms": 20, "piece": 100"#)
        let result = try await HTTPClient.test(.test(deadline: .seconds(4))).get("\(double.url)/b/generated/200000/deadline")
        #expect(result.unclear == .deadline)
        #expect(result.error?.isTimeout == true)
    }

    @Test("a body beyond the limit is an error whether its length is declared or not")
    func bodyLimit() async throws {
        let double = try await anonymousDouble()
        try await double.fault("b/generated/200000/undeclared", "chunked")
        let client = HTTPClient.test(.test(body: 199_999))
        #expect(try await client.get("\(double.url)/b/generated/200000/declared").unclear == .bodyTooLarge)
        #expect(try await client.get("\(double.url)/b/generated/200000/undeclared").unclear == .bodyTooLarge)
        let enough = HTTPClient.test(.test(body: 200_000))
        #expect(try await enough.get("\(double.url)/b/generated/200000/undeclared").get().body.count == 200_000)
    }

    @Test("a request that would smuggle a line is never sent")
    func invalidRequests() async throws {
        let url = try OutboundURL(parsing: "http://127.0.0.1:1/")
        let bad = [
            OutboundHeader("X", "a\r\nY: b"), OutboundHeader("X Y", "a"), OutboundHeader("", "a"),
            OutboundHeader("Content-Length", "5"), OutboundHeader("transfer-encoding", "chunked"), OutboundHeader("X", "a\u{0}"),
        ]
        for header in bad {
            let result = try await HTTPClient.test().attempt(OutboundRequest(.get, url, headers: [header]))
            guard case .invalidRequest? = result.error else { Issue.record("\(header): \(result)"); continue }
        }
    }

    @Test("connections are reused for what may be repeated")
    func reuse() async throws {
        let double = try await S3Double.start(["--anonymous"])
        let client = HTTPClient.test()
        try await TestLoops.group.loops[0].run {
            for _ in 0..<5 { _ = try await client.send(OutboundRequest(.get, try OutboundURL(parsing: "\(double.url)/b/generated/10"))) }
        }
        let log = String(decoding: try await double.log(), as: UTF8.self)
        let connections = Set(log.matches(of: /"connection": (\d+)/).map(\.1))
        #expect(connections.count == 1 && log.matches(of: /"method"/).count == 5)
        await double.stop()
    }

    @Test("a POST is sent once, even where a connection at hand turns out dead", arguments: [OutboundMethod.post, .patch])
    func neverTwice(method: OutboundMethod) async throws {
        let double = try await S3Double.start(["--anonymous"])
        let client = HTTPClient.test()
        let key = "b/generated/10/once"
        try await double.fault(key, "drop_next", #""times": 1"#)
        let url = try OutboundURL(parsing: "\(double.url)/\(key)")
        try await TestLoops.group.loops[0].run {
            // Leaves a connection behind whose next request meets a close.
            _ = try await client.send(OutboundRequest(.get, url))
            let result = try await client.send(OutboundRequest(method, url, body: .bytes([1, 2, 3])))
            #expect(result.status == 405 || result.status == 501)
        }
        let log = String(decoding: try await double.log(), as: UTF8.self)
        #expect(log.matches(of: /"method": "P/).count == 1)
        await double.stop()
    }

    @Test("more transfers than allowed on a loop are refused before anything is sent")
    func overload() async throws {
        let double = try await anonymousDouble()
        let client = HTTPClient(configuration: HTTPClientConfiguration(limits: .test(), transfersPerLoop: 2))
        let url = try OutboundURL(parsing: "\(double.url)/b/generated/100000000/overload")
        try await TestLoops.group.loops[0].run {
            let first = try await client.open(OutboundRequest(.get, url))
            let second = try await client.open(OutboundRequest(.get, url))
            await #expect(throws: OutboundError.notSent(.overloaded, "2 transfers are under way on this loop")) {
                _ = try await client.send(OutboundRequest(.get, url))
            }
            first.close()
            second.close()
            #expect(try await first.next() == nil)
            #expect(try await client.open(OutboundRequest(.head, url)).status == 200)
        }
    }
}
