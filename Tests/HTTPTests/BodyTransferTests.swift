import Foundation
import HTTP
import Locking
import Testing

@Suite struct BodyTransferTests {
    @Test("a chunked body arrives whole however it is cut")
    func chunkedRequest() async throws {
        try await withServer(respond: echo) { server in
            let client = try server.client()
            let wire = "POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n1;x=y\r\n \r\n5\r\nworld\r\n0\r\n\r\n"
            for byte in wire.utf8 { try client.send([byte]) }
            #expect(try client.readResponse().text == "POST /c hello world")
            #expect(try client.exchange(wire).text == "POST /c hello world")
        }
    }

    @Test("a large body is handed out piece by piece")
    func largeBody() async throws {
        let total = 24 << 20
        try await withServer { request in
            var sum = 0, largest = 0
            do {
                while let piece = try await request.body.next() {
                    sum += piece.count
                    largest = max(largest, piece.count)
                }
            } catch {
                return Response(.badRequest, text: "\(error)")
            }
            return Response(.ok, text: largest <= 1 << 20 ? "\(sum)" : "piece of \(largest)")
        } _: { server in
            let client = try server.client()
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(total)\r\n\r\n")
            let piece = [UInt8](repeating: 7, count: 1 << 20)
            for _ in 0..<24 { try client.send(piece) }
            #expect(try client.readResponse().text == "\(total)")
            #expect(try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text == "0")
        }
    }

    @Test("a stream is chunked for HTTP/1.1 and ends with the connection for HTTP/1.0")
    func streamedResponse() async throws {
        try await withServer { _ in
            Response(.ok, body: .stream(contentLength: nil) { writer in
                for number in 0..<1_000 { try await writer.write("line \(number)\n") }
            })
        } _: { server in
            let expected = (0..<1_000).map { "line \($0)\n" }.joined()
            let client = try server.client()
            let response = try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(response.header("transfer-encoding") == "chunked")
            #expect(response.text == expected)
            #expect(try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text == expected)
            let old = try server.client().exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(old.header("transfer-encoding") == nil)
            #expect(old.text == expected)
        }
    }

    @Test("a stream of known length has that length")
    func streamOfKnownLength() async throws {
        try await withServer { _ in
            Response(.ok, body: .stream(contentLength: 300_000) { writer in
                for _ in 0..<3 { try await writer.write([UInt8](repeating: 65, count: 100_000)) }
            })
        } _: { server in
            let client = try server.client()
            for _ in 0..<3 {
                let response = try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(response.header("content-length") == "300000")
                #expect(response.body.count == 300_000)
            }
        }
    }

    @Test("what is written to a stream leaves without being asked to, while the handler waits for something else")
    func eventsLeaveAtOnce() async throws {
        let gate = Signal()
        try await withServer { _ in
            Response(.ok, body: .stream(contentLength: nil) { writer in
                try await writer.write("first")
                await gate.wait()
                try await writer.write("second")
            })
        } _: { server in
            let client = try server.client()
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try client.readHead()
            #expect(try client.readLine() == "5")
            #expect(try client.readLine() == "first")
            gate.open()
            #expect(try client.readLine() == "6")
            #expect(try client.readLine() == "second")
            #expect(try client.readLine() == "0")
        }
    }

    @Test("a stream that breaks off is cut, so that no client takes the part for the whole", arguments: [nil, 10])
    func brokenStream(length: Int?) async throws {
        struct Failure: Error {}
        try await withServer { request in
            let path = request.path
            return Response(.ok, body: .stream(contentLength: length) { writer in
                try await writer.write("abc")
                try await writer.flush()
                if path == "/throw" { throw Failure() }
                if length == nil { throw Failure() }
            })
        } _: { server in
            for path in ["/throw", "/short"] {
                let client = try server.client()
                #expect(throws: TestClientError.self) {
                    try client.exchange("GET \(path) HTTP/1.1\r\nHost: a\r\n\r\n")
                }
            }
        }
    }

    @Test("a large answer arrives whole")
    func largeAnswer() async throws {
        let bytes = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 >> 4) }
        try await withServer { _ in
            Response(.ok, contentType: "application/octet-stream", bytes)
        } _: { server in
            let client = try server.client()
            for _ in 0..<2 { #expect(try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").body == bytes) }
        }
    }

    @Test("100 is sent at the first read of the body, once")
    func continues() async throws {
        try await withServer(respond: echo) { server in
            let client = try server.client()
            for _ in 0..<2 {
                try client.send("POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
                #expect(try client.readResponse().status == 100)
                try client.send("body")
                #expect(try client.readResponse().text == "POST /e body")
            }
        }
    }

    @Test("no 100 when the answer comes first, or when the body is already there")
    func noContinue() async throws {
        try await withServer { request in
            request.path == "/no" ? Response(.unauthorized, text: "no") : await echo(request)
        } _: { server in
            let refused = try server.client()
            let response = try refused.exchange(
                "POST /no HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\n")
            #expect(response.status == 401)
            #expect(response.header("connection") == "close")
            #expect(try refused.isAtEnd())
            let eager = try server.client()
            #expect(
                try eager.exchange("POST /e HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 4\r\n\r\nbody")
                    .text == "POST /e body")
        }
    }

    @Test("a small body that nobody read does not end the connection")
    func smallUnreadBody() async throws {
        try await withServer { request in Response(.ok, text: request.path) } _: { server in
            let client = try server.client()
            for number in 0..<3 {
                #expect(
                    try client.exchange("POST /\(number) HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\n0123456789").text
                        == "/\(number)")
            }
            #expect(
                try client.exchange("POST /c HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n")
                    .text == "/c")
            // The rest of a body may come after its answer.
            #expect(try client.exchange("POST /late HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\na").text == "/late")
            #expect(try client.exchange("bcGET /next HTTP/1.1\r\nHost: a\r\n\r\n").text == "/next")
        }
    }

    @Test("a client that pushes 10 GB reads the refusal", arguments: ["Content-Length: 10737418240", "Transfer-Encoding: chunked"])
    func earlyRefusal(framing: String) async throws {
        var limits = HTTPLimits()
        limits.lingerTimeout = .milliseconds(500)
        try await withServer(limits: limits) { _ in Response(.unauthorized, text: "who are you") } _: { server in
            let client = try server.client()
            try client.send("POST / HTTP/1.1\r\nHost: a\r\n\(framing)\r\n\r\n")
            var chunk = Array("100000\r\n".utf8) + [UInt8](repeating: 0, count: 1 << 20) + Array("\r\n".utf8)
            if framing.hasPrefix("Content") { chunk = [UInt8](repeating: 0, count: 1 << 20) }
            var pushed = 0
            do {
                while pushed < 10 << 30 {
                    try client.send(chunk)
                    pushed += chunk.count
                }
            } catch {}
            #expect(pushed < 1 << 30)
            let response = try client.readResponse()
            #expect(response.status == 401)
            #expect(response.header("connection") == "close")
            #expect(server.server.metrics.bytesReceived < 4 << 20)
        }
    }

    @Test("a body cut short is an error for the handler")
    func truncatedBody() async throws {
        try await withServer(respond: echo) { server in
            for framing in ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nab"] {
                let client = try server.client()
                try client.send("POST / HTTP/1.1\r\nHost: a\r\n\(framing)")
                client.finishSending()
                let response = try client.readResponse()
                #expect(response.status == 400)
                #expect(try client.isAtEnd())
            }
        }
    }
}
