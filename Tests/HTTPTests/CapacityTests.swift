import EventLoop
import Foundation
import HTTP
import Testing

@Suite struct CapacityTests {
    @Test("one connection too many is told 503, and a place that falls free is taken")
    func overCapacity() async throws {
        var limits = HTTPLimits()
        limits.maxConnections = 2
        try await withServer(limits: limits, loops: 2, respond: echo) { server in
            let first = try server.client(), second = try server.client()
            for client in [first, second] {
                #expect(try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
            }
            for _ in 0..<3 {
                let third = try server.client()
                let refusal = try third.readResponse()
                #expect(refusal.status == 503)
                #expect(refusal.text == "fault 503")
                #expect(refusal.header("connection") == "close")
                #expect(try third.isAtEnd())
            }
            #expect(server.server.metrics.refusedConnections == 3)
            #expect(try first.exchange("GET /still HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
            first.hangUp()
            // The server learns of it in its own time; each attempt waits for an answer.
            var status = 0
            for _ in 0..<10_000 where status != 200 {
                let next = try server.client()
                try? next.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                status = (try? next.readResponse().status) ?? 0
            }
            #expect(status == 200)
        }
    }

    @Test("many connections that send one byte at a time do not stop a client that behaves")
    func slowConnections() async throws {
        try await withServer(respond: echo) { server in
            let slow = try (0..<2_000).map { _ in try server.client() }
            let client = try server.client()
            for (round, byte) in "GET / HTTP".utf8.enumerated() {
                for one in slow { try one.send([byte]) }
                #expect(try client.exchange("GET /\(round) HTTP/1.1\r\nHost: a\r\n\r\n").text == "GET /\(round) ")
            }
            for one in slow.prefix(20) { #expect(try one.exchange("/1.1\r\nHost: a\r\n\r\n").text == "GET / ") }
        }
    }

    @Test("a client that pipelines without end does not stop another")
    func floods() async throws {
        try await withServer(respond: echo) { server in
            let flood = try server.client()
            let fd = dup(flood.fd)
            let isOver = Signal()
            Thread.detachNewThread {
                // Nobody reads the answers: the server stops taking requests once the way back is full.
                let burst = Array(String(repeating: "GET /flood HTTP/1.1\r\nHost: a\r\n\r\n", count: 500).utf8)
                while !isOver.isOpen, send(fd, burst, burst.count, Int32(MSG_NOSIGNAL)) > 0 {}
                close(fd)
            }
            let reader = dup(flood.fd)
            Thread.detachNewThread {
                var bytes = [UInt8](repeating: 0, count: 1 << 16)
                while recv(reader, &bytes, bytes.count, 0) > 0 {}
                close(reader)
            }
            let client = try server.client()
            for number in 0..<50 {
                #expect(try client.exchange("GET /\(number) HTTP/1.1\r\nHost: a\r\n\r\n").status == 200)
            }
            isOver.open()
            shutdown(flood.fd, Int32(SHUT_RDWR))
        }
    }

    @Test("a connection that waits holds no buffer, whatever it carried before")
    func idleMemory() async throws {
        try await withServer(loops: 2, respond: echo) { server in
            let clients = try (0..<100).map { _ in try server.client() }
            #expect(await server.server.piecesInUse() == 0)
            let body = String(repeating: "x", count: 100_000)
            for client in clients {
                try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\nPOST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\n")
                #expect(try client.readResponse().status == 200)
                #expect(try client.exchange(body).status == 200)
            }
            #expect(await server.server.piecesInUse() == 0)
            // Part of a head is held, once.
            try clients[0].send("GET /later HTTP/1.1\r\n")
            #expect(try clients[0].exchange("Host: a\r\n\r\n").status == 200)
            #expect(await server.server.piecesInUse() == 0)
            #expect(server.server.metrics.openConnections == 100)
        }
    }

    @Test("limits that contradict each other stop the start")
    func badLimits() async throws {
        var limits = HTTPLimits()
        limits.maxConnections = 0
        await #expect(throws: HTTPServerError.self) {
            try await withServer(limits: limits, respond: echo) { _ in }
        }
    }
}
