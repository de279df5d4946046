import EventLoop
import Foundation
import HTTP
import Locking
import Testing

/// Answers with method, path and body, so that a test sees which request an answer belongs to.
@Sendable func echo(_ request: Request) async -> Response {
    do {
        let body = try await request.body.collect(upTo: 64 << 20)
        return Response(.ok, text: "\(request.method) \(request.path) \(String(decoding: body, as: UTF8.self))")
    } catch {
        return Response(error.status, text: "\(error)")
    }
}

@Suite struct ConnectionTests {
    @Test("one connection serves request after request")
    func keepAlive() async throws {
        try await withServer(respond: echo) { server in
            let client = try server.client()
            for number in 0..<5 {
                let response = try client.exchange("GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n")
                #expect(response.status == 200)
                #expect(response.text == "GET /\(number) ")
                #expect(response.header("date")?.hasSuffix("GMT") == true)
                #expect(response.header("connection") == nil)
            }
            #expect(server.server.metrics.acceptedConnections == 1)
            #expect(server.server.metrics.requests == 5)
        }
    }

    @Test("pipelined requests are answered in their order, bodies and all", arguments: [1, 3, 32])
    func pipelining(bound: Int) async throws {
        var limits = HTTPLimits()
        limits.pipelinedRequests = bound
        try await withServer(limits: limits, respond: echo) { server in
            let client = try server.client()
            var text = ""
            for number in 0..<100 {
                text +=
                    number % 3 == 0
                    ? "POST /\(number) HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc"
                    : "GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n"
            }
            try client.send(text)
            for number in 0..<100 {
                let expected = number % 3 == 0 ? "POST /\(number) abc" : "GET /\(number) "
                #expect(try client.readResponse().text == expected)
            }
        }
    }

    @Test("a request that takes long does not hold back the answer before it")
    func slowSuccessor() async throws {
        let gate = Signal()
        try await withServer { request in
            if request.path == "/slow" { await gate.wait() }
            return Response(.ok, text: request.path)
        } _: { server in
            let client = try server.client()
            try client.send("GET /fast HTTP/1.1\r\nHost: a\r\n\r\nGET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try client.readResponse().text == "/fast")
            gate.open()
            #expect(try client.readResponse().text == "/slow")
        }
    }

    @Test("HTTP/1.0 closes unless the client asks otherwise")
    func http10() async throws {
        try await withServer(respond: echo) { server in
            let one = try server.client()
            let response = try one.exchange("GET / HTTP/1.0\r\n\r\n")
            #expect(response.status == 200)
            #expect(try one.isAtEnd())
            let other = try server.client()
            let kept = try other.exchange("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n")
            #expect(kept.header("connection")?.lowercased() == "keep-alive")
            #expect(try other.exchange("GET / HTTP/1.0\r\n\r\n").status == 200)
            #expect(try other.isAtEnd())
        }
    }

    @Test("Connection: close ends the connection after the answer, from either side")
    func close() async throws {
        try await withServer { request in
            var response = Response(.ok, text: "bye")
            response.closesConnection = request.path == "/end"
            return response
        } _: { server in
            for text in ["GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", "GET /end HTTP/1.1\r\nHost: a\r\n\r\n"] {
                let client = try server.client()
                let response = try client.exchange(text)
                #expect(response.header("connection")?.lowercased() == "close")
                #expect(response.text == "bye")
                #expect(try client.isAtEnd())
            }
        }
    }

    @Test("HEAD has the length of the body and no body; 204 has neither")
    func head() async throws {
        try await withServer { request in
            request.path == "/none" ? Response(.noContent) : Response(.ok, text: "12345")
        } _: { server in
            let client = try server.client()
            let head = try client.exchange("HEAD / HTTP/1.1\r\nHost: a\r\n\r\n", head: true)
            #expect(head.header("content-length") == "5")
            #expect(try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text == "12345")
            let none = try client.exchange("GET /none HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(none.status == 204)
            #expect(none.header("content-length") == nil)
            #expect(try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text == "12345")
        }
    }

    @Test("a connection ends after its last allowed request")
    func requestsPerConnection() async throws {
        var limits = HTTPLimits()
        limits.requestsPerConnection = 2
        try await withServer(limits: limits, respond: echo) { server in
            let client = try server.client()
            #expect(try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").header("connection") == nil)
            #expect(try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").header("connection") == "close")
            #expect(try client.isAtEnd())
        }
    }

    @Test("a client that leaves cancels the handler", arguments: [false, true])
    func disconnect(withReset: Bool) async throws {
        let started = Signal(), cancelled = Signal()
        try await withServer { _ in
            started.open()
            do { try await Loop.current?.sleep(for: .seconds(600)) } catch { cancelled.open() }
            return Response(.ok, text: "late")
        } _: { server in
            let client = try server.client()
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await started.wait()
            if withReset { client.reset() } else { client.hangUp() }
            await cancelled.wait()
        }
    }

    @Test("the handler knows its peer")
    func peer() async throws {
        try await withServer { request in
            Response(.ok, text: "\(request.peer?.isLoopback ?? false) \(request.isTLS)")
        } _: { server in
            let client = try server.client()
            #expect(try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").text == "true false")
        }
    }

    @Test("several loops serve one port", arguments: [2, 3])
    func severalLoops(count: Int) async throws {
        try await withServer(loops: count, respond: echo) { server in
            let clients = try (0..<24).map { _ in try server.client() }
            for (number, client) in clients.enumerated() {
                #expect(try client.exchange("GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n").text == "GET /\(number) ")
            }
            #expect(server.server.metrics.openConnections == 24)
        }
    }

    @Test("a unix socket serves, and its file goes when the server stops")
    func unixSocket() async throws {
        let path = NSTemporaryDirectory() + "trivet-\(UUID().uuidString.prefix(8)).sock"
        try await withServer(listener: .address(.unix(path: path)), loops: 2, respond: echo) { server in
            for _ in 0..<8 {
                let client = try TestClient(unixPath: path)
                #expect(try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
            }
        }
        #expect(!FileManager.default.fileExists(atPath: path))
    }

    @Test("descriptors that were handed over serve")
    func adoptedDescriptors() async throws {
        let fd = try Acceptor.bind(SocketAddress(parsing: "127.0.0.1:0"), reusePort: false)
        try await withServer(listener: .descriptors([fd]), loops: 2, respond: echo) { server in
            for _ in 0..<8 {
                let client = try server.client()
                #expect(try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
            }
        }
    }

    @Test("an address in use is a typed error, and a second start too")
    func startErrors() async throws {
        try await withServer(respond: echo) { server in
            #expect(throws: HTTPServerError.self) { try server.server.start() }
            let configuration = HTTPServerConfiguration(
                listener: .address(try SocketAddress(parsing: "127.0.0.1:\(server.port)")))
            #expect(throws: HTTPServerError.self) {
                try TestServer(configuration: configuration, loops: 1, responder: ClosureResponder(onRequest: echo))
            }
        }
    }
}
