import EventLoop
import HTTP
import Testing

@Suite struct DrainTests {
    @Test("a drain closes what is idle and lets what runs finish, with Connection: close")
    func graceful() async throws {
        let started = Signal(), gate = Signal()
        try await withServer { request in
            if request.path == "/slow" {
                started.open()
                await gate.wait()
            }
            return Response(.ok, text: request.path)
        } _: { server in
            let idle = try server.client(), busy = try server.client()
            #expect(try idle.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
            try busy.send("GET /slow HTTP/1.1\r\nHost: a\r\n\r\n")
            await started.wait()
            async let drained: Void = server.server.drain(grace: .seconds(60))
            #expect(try idle.isAtEnd())
            gate.open()
            let response = try busy.readResponse()
            #expect(response.text == "/slow")
            #expect(response.header("connection") == "close")
            #expect(try busy.isAtEnd())
            await drained
            #expect(throws: (any Error).self) { _ = try server.client() }
            #expect(server.server.metrics.openConnections == 0)
        }
    }

    @Test("what does not finish within the grace is cancelled and cut")
    func graceEnds() async throws {
        let started = Signal(), cancelled = Signal()
        try await withServer { _ in
            started.open()
            do { try await Loop.current?.sleep(for: .seconds(600)) } catch { cancelled.open() }
            return Response(.ok, text: "late")
        } _: { server in
            let client = try server.client()
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await started.wait()
            await server.server.drain(grace: .milliseconds(50))
            #expect(cancelled.isOpen)
            #expect(server.server.metrics.openConnections == 0)
        }
    }

    @Test("an endless stream ends with the grace")
    func streamEnds() async throws {
        try await withServer { _ in
            Response(.ok, body: .stream(contentLength: nil) { writer in
                while true { try await writer.write("tick\n") }
            })
        } _: { server in
            let client = try server.client()
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            _ = try client.readHead()
            await server.server.drain(grace: .milliseconds(50))
            #expect(server.server.metrics.openConnections == 0)
        }
    }

    @Test("after stopAccepting open connections go on and new ones are refused")
    func stopAccepting() async throws {
        try await withServer(respond: echo) { server in
            let client = try server.client()
            #expect(try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
            server.server.stopAccepting()
            // Handled by the loop in order: once this is answered, the listener is closed.
            try await server.loops.loops[0].run {}
            #expect(throws: (any Error).self) { _ = try server.client() }
            #expect(try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
        }
    }
}
