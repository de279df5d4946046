import EventLoop
import Glibc
import Testing

/// A listening socket on a free port and the first connection to it, both ends on one loop.
private func pair(_ body: @escaping @Sendable (Socket, Socket) async throws -> Void) async throws {
    try await onLoop {
        let loop = try #require(Loop.current)
        let listening = try Acceptor.bind(try SocketAddress(parsing: "127.0.0.1:0"), reusePort: false)
        let address = try #require(SocketAddress.local(of: listening))
        let arrivals = Arrivals()
        let acceptor = try Acceptor(listening: listening, on: loop) { arrivals.arrived($0) }
        let client = try await Socket.connect(to: address, on: loop)
        let server = try Socket(adopting: await arrivals.next(), on: loop)
        acceptor.close()
        defer {
            client.close()
            server.close()
        }
        try await body(client, server)
    }
}

final class Arrivals {
    private var fds: [Int32] = []
    private var waiter: UnsafeContinuation<Int32, Never>?
    func arrived(_ fd: Int32) {
        if let waiter {
            self.waiter = nil
            waiter.resume(returning: fd)
        } else {
            fds.append(fd)
        }
    }
    func next() async -> Int32 {
        if !fds.isEmpty { return fds.removeFirst() }
        return await withUnsafeContinuation { waiter = $0 }
    }
}

extension Socket {
    fileprivate func readAll() async throws -> [UInt8] {
        var all: [UInt8] = []
        let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 65536, alignment: 1)
        defer { buffer.deallocate() }
        while true {
            let count = try await read(into: buffer)
            if count == 0 { return all }
            all += buffer[..<count]
        }
    }

    fileprivate func send(_ bytes: [UInt8]) async throws {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: bytes.count, alignment: 1)
        defer { copy.deallocate() }
        copy.copyBytes(from: bytes)
        try await write(UnsafeRawBufferPointer(copy))
    }
}

/// Lets a socket be used by a child task on the same loop.
struct Carried<Value>: @unchecked Sendable {
    // @unchecked: all users run on one loop.
    let value: Value
}

@Suite struct SocketTests {
    @Test("what one side writes the other reads, however large, with both directions held back by the kernel")
    func largeTransfer() async throws {
        try await pair { client, server in
            let sent = (0..<5_000_000).map { UInt8(truncatingIfNeeded: $0 &* 31 &+ $0 >> 8) }
            let writer = Carried(value: client)
            async let done: Void = {
                try await writer.value.send(sent)
                writer.value.shutdownWrite()
            }()
            let received = try await server.readAll()
            try await done
            #expect(received == sent)
        }
    }

    @Test("a deadline ends a read, and the socket works again once it is moved")
    func deadline() async throws {
        try await pair { client, server in
            server.deadline = MonotonicTime.now() + .milliseconds(5)
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 1)
            defer { buffer.deallocate() }
            await #expect(throws: SocketError.timedOut) { _ = try await server.read(into: buffer) }
            server.deadline = nil
            try await client.send([1, 2, 3])
            let count = try await server.read(into: buffer)
            #expect(count == 3)
        }
    }

    @Test("moving a deadline later keeps a read alive past the old one")
    func movedDeadline() async throws {
        try await pair { client, server in
            let loop = server.loop
            server.deadline = MonotonicTime.now() + .milliseconds(10)
            server.deadline = MonotonicTime.now() + .seconds(3600)
            let sender = Carried(value: client)
            loop.schedule(after: .milliseconds(25)) { loop.spawn { try? await sender.value.send([9]) } }
            let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 1)
            defer { buffer.deallocate() }
            let count = try await server.read(into: buffer)
            #expect(count == 1)
        }
    }

    @Test("cancelling the task of a conversation ends its wait")
    func abortOnCancel() async throws {
        try await pair { _, server in
            let carried = Carried(value: server)
            let error = await withTaskGroup(of: SocketError?.self) { group in
                group.addTask {
                    let socket = carried.value
                    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 16, alignment: 1)
                    defer { buffer.deallocate() }
                    do {
                        _ = try await socket.withAbortOnCancel { try await socket.read(into: buffer) }
                        return nil
                    } catch {
                        return error as? SocketError
                    }
                }
                await Task.yield()
                group.cancelAll()
                return await group.next() ?? nil
            }
            #expect(error == .closed)
        }
    }

    @Test("the peer's close is told while nobody reads, and the end can still be read")
    func peerClosed() async throws {
        try await pair { client, server in
            try await client.send([1])
            await withUnsafeContinuation { continuation in
                server.onPeerClosed = { continuation.resume() }
                client.close()
            }
            #expect(server.peerHasClosed)
            let rest = try await server.readAll()
            #expect(rest == [1])
        }
    }

    @Test("writing to a peer that reset the connection is an error, not a signal")
    func resetPeer() async throws {
        try await pair { client, server in
            client.closeWithReset()
            await #expect(throws: SocketError.self) {
                for _ in 0..<100 {
                    try await server.send([UInt8](repeating: 0, count: 100_000))
                }
            }
        }
    }

    @Test("connecting to a port that nobody listens on fails with the call's errno")
    func refused() async throws {
        try await onLoop {
            let loop = try #require(Loop.current)
            let fd = try Acceptor.bind(try SocketAddress(parsing: "127.0.0.1:0"), reusePort: false)
            let address = try #require(SocketAddress.local(of: fd))
            close(fd)
            await #expect(throws: SocketError.failed(SystemError(errno: ECONNREFUSED, call: "connect"))) {
                _ = try await Socket.connect(to: address, on: loop)
            }
        }
    }

    @Test("two loops share a port, and every connection arrives once")
    func reusePort() async throws {
        let first = try Acceptor.bind(try SocketAddress(parsing: "127.0.0.1:0"), reusePort: true)
        let address = try #require(SocketAddress.local(of: first))
        let second = try Acceptor.bind(address, reusePort: true)
        func serve(_ fd: Int32, on index: Int) async throws -> Carried<Acceptor> {
            try await onLoop(index) {
                let loop = try #require(Loop.current)
                return Carried(
                    value: try Acceptor(listening: fd, on: loop) { fd in
                        var byte = UInt8(index)
                        _ = write(fd, &byte, 1)
                        close(fd)
                    })
            }
        }
        let acceptors = [try await serve(first, on: 0), try await serve(second, on: 1)]
        let answers = try await onLoop {
            let loop = try #require(Loop.current)
            var answers: [UInt8] = []
            for _ in 0..<64 {
                let socket = try await Socket.connect(to: address, on: loop)
                answers += try await socket.readAll()
                socket.close()
            }
            return answers
        }
        #expect(answers.count == 64)
        for (index, acceptor) in acceptors.enumerated() { try await onLoop(index) { acceptor.value.close() } }
    }

    @Test(
        "addresses are read strictly",
        arguments: [
            ("127.0.0.1:80", "127.0.0.1:80", true), ("[::1]:8080", "[::1]:8080", true), (":1", "0.0.0.0:1", false),
            ("localhost:5", "127.0.0.1:5", true), ("10.0.0.1:65535", "10.0.0.1:65535", false),
            ("unix:/run/x.sock", "unix:/run/x.sock", true), ("[::ffff:127.0.0.1]:9", "[::ffff:127.0.0.1]:9", true),
        ])
    func addresses(text: String, shown: String, loopback: Bool) throws {
        let address = try SocketAddress(parsing: text)
        #expect(address.description == shown)
        #expect(address.isLoopback == loopback)
    }

    @Test(
        "what is no address is refused",
        arguments: ["", "80", "1.2.3:80", "host:80", "127.0.0.1:65536", "127.0.0.1:", "127.0.0.1:+1", "[::1:80", "unix:rel", "::1:80"])
    func badAddresses(text: String) {
        #expect(throws: SocketAddress.ParseError.self) { try SocketAddress(parsing: text) }
    }

    @Test("a unix socket file without a listener is replaced, one with a listener is not")
    func unixSocketFile() async throws {
        let path = "/tmp/trivet-loop-\(getpid()).sock"
        let address = try SocketAddress(parsing: "unix:\(path)")
        defer { unlink(path) }
        let first = try Acceptor.bind(address, reusePort: false)
        #expect(throws: SystemError(errno: EADDRINUSE, call: "bind")) { try Acceptor.bind(address, reusePort: false) }
        close(first)
        let second = try Acceptor.bind(address, reusePort: false)
        close(second)
    }
}
