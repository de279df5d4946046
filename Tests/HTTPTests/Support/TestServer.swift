import EventLoop
import Glibc
import HTTP
import Locking

/// Answers with a closure; faults in a fixed shape: `fault STATUS`.
struct ClosureResponder: HTTPResponder {
    let onRequest: @Sendable (Request) async -> Response

    func respond(to request: Request) async -> Response { await onRequest(request) }

    func respond(toFault fault: HTTPFault) async -> Response {
        Response(fault.status, text: "fault \(fault.status.code)")
    }
}

/// A server on a loopback port of its own, with its loops.
final class TestServer: Sendable {
    let loops: LoopGroup
    let server: HTTPServer
    let port: UInt16

    init(configuration: HTTPServerConfiguration, loops count: Int, responder: any HTTPResponder) throws {
        // Both ends of every connection are in this process.
        var files = rlimit()
        if getrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files) == 0, files.rlim_cur < files.rlim_max {
            files.rlim_cur = files.rlim_max
            setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &files)
        }
        loops = LoopGroup(count: count, name: "test")
        server = HTTPServer(configuration: configuration, loops: loops, responder: responder)
        loops.start()
        do {
            try server.start()
        } catch {
            loops.shutdown()
            throw error
        }
        port = server.boundAddress?.port ?? 0
    }

    func client(receiveBuffer: Int32? = nil) throws -> TestClient {
        try TestClient(port: port, receiveBuffer: receiveBuffer)
    }

    func stop() async {
        await server.drain(grace: .zero)
        loops.shutdown()
    }
}

/// Runs `body` against a server and stops it afterwards, whatever happens.
func withServer(
    limits: HTTPLimits = HTTPLimits(), tls: HTTPServerConfiguration.TLSFiles? = nil,
    listener: HTTPServerConfiguration.Listener = .address(.ipv4(UInt32(0x7f00_0001).bigEndian, port: 0)), loops: Int = 1,
    respond: @escaping @Sendable (Request) async -> Response,
    _ body: (TestServer) async throws -> Void
) async throws {
    let configuration = HTTPServerConfiguration(listener: listener, tls: tls, limits: limits)
    let server = try TestServer(configuration: configuration, loops: loops, responder: ClosureResponder(onRequest: respond))
    do {
        try await body(server)
    } catch {
        await server.stop()
        throw error
    }
    await server.stop()
}

/// Something a test waits for: opened once, from any thread.
final class Signal: Sendable {
    private struct State {
        var isOpen = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }
    private let state = Locked(State())

    var isOpen: Bool { state.withLock { $0.isOpen } }

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            let waiters = state.waiters
            state.waiters = []
            return waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    func wait() async {
        await withCheckedContinuation { continuation in
            let isOpen = state.withLock { state in
                if !state.isOpen { state.waiters.append(continuation) }
                return state.isOpen
            }
            if isOpen { continuation.resume() }
        }
    }
}
