import Foundation
import Glibc
import HTTP
import Locking
import Testing

/// Each limit is made small where it is what the test is about.
@Suite struct TimeoutTests {
    @Test("a head that does not arrive in time is answered 408", arguments: ["G", "GET / HTTP/1.1\r\nHost: a\r\n", "\r\n"])
    func slowHead(start: String) async throws {
        var limits = HTTPLimits()
        limits.headerTimeout = .milliseconds(100)
        try await withServer(limits: limits, respond: echo) { server in
            let client = try server.client()
            let response = try client.exchange(start)
            #expect(response.status == 408)
            #expect(response.header("connection") == "close")
            #expect(try client.isAtEnd())
        }
    }

    @Test("dripping bytes does not move the deadline of a head")
    func drippedHead() async throws {
        var limits = HTTPLimits()
        limits.headerTimeout = .milliseconds(200)
        try await withServer(limits: limits, respond: echo) { server in
            let client = try server.client()
            #expect(try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\nGET /second HTTP/1.1\r\nX: ").status == 200)
            let fd = dup(client.fd)
            Thread.detachNewThread {
                var byte = UInt8(ascii: "a")
                while send(fd, &byte, 1, Int32(MSG_NOSIGNAL)) == 1 { usleep(20_000) }
                close(fd)
            }
            #expect(try client.readResponse().status == 408)
        }
    }

    @Test("an idle connection is closed without a word", arguments: [false, true])
    func idle(afterRequest: Bool) async throws {
        var limits = HTTPLimits()
        limits.idleTimeout = .milliseconds(100)
        limits.lingerTimeout = .milliseconds(100)
        try await withServer(limits: limits, respond: echo) { server in
            let client = try server.client()
            if afterRequest { _ = try client.exchange("GET / HTTP/1.1\r\nHost: a\r\n\r\n") }
            #expect(try client.isAtEnd())
        }
    }

    @Test("a body that stalls is an error for the handler, and the connection ends")
    func stalledBody() async throws {
        var limits = HTTPLimits()
        limits.bodyStallTimeout = .milliseconds(100)
        try await withServer(limits: limits, respond: echo) { server in
            for text in ["Content-Length: 10\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n5\r\nab"] {
                let client = try server.client()
                let response = try client.exchange("POST / HTTP/1.1\r\nHost: a\r\n\(text)")
                #expect(response.status == 408)
                #expect(response.header("connection") == "close")
                #expect(try client.isAtEnd())
            }
        }
    }

    @Test("a handler may take longer than every timeout of the listener")
    func slowHandler() async throws {
        var limits = HTTPLimits()
        limits.headerTimeout = .milliseconds(50)
        limits.idleTimeout = .milliseconds(50)
        limits.lingerTimeout = .milliseconds(50)
        limits.bodyStallTimeout = .milliseconds(50)
        limits.writeStallTimeout = .milliseconds(50)
        try await withServer(limits: limits) { request in
            try? await Task.sleep(for: .milliseconds(300))
            return await echo(request)
        } _: { server in
            let client = try server.client()
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc")
            #expect(try client.readResponse().text == "POST / abc")
        }
    }

    @Test("a client that does not read stops the handler's writes, and is cut in the end")
    func stalledReader() async throws {
        var limits = HTTPLimits()
        limits.writeStallTimeout = .milliseconds(200)
        let written = Locked(0)
        let stalled = Signal()
        try await withServer(limits: limits) { _ in
            Response(.ok, body: .stream(contentLength: nil) { writer in
                do {
                    let piece = [UInt8](repeating: 1, count: 100_000)
                    for _ in 0..<10_000 {
                        try await writer.write(piece)
                        written.withLock { $0 += piece.count }
                    }
                } catch ResponseError.stalled {
                    stalled.open()
                    throw ResponseError.stalled
                }
            })
        } _: { server in
            let client = try server.client(receiveBuffer: 16_384)
            try client.send("GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            await stalled.wait()
            #expect(written.withLock { $0 } < 100_000_000)
        }
    }

    @Test("a handler that does not read stops the client's writes, and nothing is lost")
    func unreadBodyStopsTheClient() async throws {
        let gate = Signal()
        let total = 64 << 20
        try await withServer { request in
            var sum = 0
            do {
                sum += try await request.body.next()?.count ?? 0
                await gate.wait()
                while let piece = try await request.body.next() { sum += piece.count }
            } catch {
                return Response(.badRequest, text: "\(error)")
            }
            return Response(.ok, text: "\(sum)")
        } _: { server in
            let client = try server.client()
            try client.send("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: \(total)\r\n\r\n")
            // Until the kernel takes no more for a while.
            var pause = timeval(tv_sec: 0, tv_usec: 300_000)
            setsockopt(client.fd, SOL_SOCKET, SO_SNDTIMEO, &pause, socklen_t(MemoryLayout<timeval>.size))
            let piece = [UInt8](repeating: 0, count: 1 << 16)
            var sent = 0
            do {
                while sent < total { sent += try piece.withUnsafeBytes { try client.sendOnce($0) } }
            } catch {}
            #expect(sent < total)
            #expect(server.server.metrics.bytesReceived < 1 << 20)
            gate.open()
            pause.tv_sec = 20
            setsockopt(client.fd, SOL_SOCKET, SO_SNDTIMEO, &pause, socklen_t(MemoryLayout<timeval>.size))
            while sent < total {
                sent += try piece[..<min(piece.count, total - sent)].withUnsafeBytes { try client.sendOnce($0) }
            }
            #expect(try client.readResponse().text == "\(total)")
        }
    }
}
