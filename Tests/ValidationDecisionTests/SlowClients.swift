import EventLoop
import Locking
import TestSupport

/// Connections that send a beginning and then one byte a second, for as long as they are let.
final class SlowClients: Sendable {
    private struct State {
        var isStopped = false
        var open = 0
        /// Bytes that the slowest connection has sent.
        var leastSent = 0
        var rounds: [Int: Int] = [:]
        var waiting: [(bytes: Int, continuation: UnsafeContinuation<Void, Never>)] = []
    }

    private let address: SocketAddress
    private let state = Locked(State())
    private let tasks = Locked<[Task<Void, Never>]>([])

    init(address: SocketAddress) { self.address = address }

    /// Those that the service has not closed.
    var openCount: Int { state.withLock { $0.open } }

    func connect(_ count: Int, beginning: @escaping @Sendable (Int) -> [UInt8]) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for share in 0..<16 {
                group.addTask { [self] in
                    for number in stride(from: share, to: count, by: 16) { try await connectOne(number, beginning(number)) }
                }
            }
            try await group.waitForAll()
        }
    }

    /// Waits until every connection has sent so many single bytes.
    func sent(bytes: Int) async {
        await withUnsafeContinuation { continuation in
            let isReached = state.withLock { state in
                if state.leastSent >= bytes { return true }
                state.waiting.append((bytes, continuation))
                return false
            }
            if isReached { continuation.resume() }
        }
    }

    func stop() async {
        state.withLock { $0.isStopped = true }
        for task in tasks.withLock({ $0 }) { await task.value }
    }

    private func connectOne(_ number: Int, _ beginning: [UInt8]) async throws {
        let loop = TestLoops.group.nextLoop()
        try await loop.run { [self] in
            let socket = try await Socket.connect(to: address, on: loop, deadline: MonotonicTime.now() + .seconds(60))
            _ = beginning.withUnsafeBytes { socket.tryWrite($0) }
            state.withLock { $0.open += 1 }
            let carried = Carried(socket: socket)
            let task = loop.spawn { [self] in
                await drip(carried.socket, loop)
                carried.socket.close()
                state.withLock { $0.open -= 1 }
            }
            tasks.withLock { $0.append(task) }
        }
    }

    private struct Carried: @unchecked Sendable {
        // @unchecked: opened on the socket's own loop only.
        let socket: Socket
    }

    private func drip(_ socket: Socket, _ loop: Loop) async {
        var sent = 0
        while !state.withLock({ $0.isStopped }), !socket.peerHasClosed {
            try? await loop.sleep(for: .seconds(1))
            guard case .bytes(1) = [UInt8(ascii: "a")].withUnsafeBytes({ socket.tryWrite($0) }) else { return }
            sent += 1
            note(sent)
        }
    }

    private func note(_ sent: Int) {
        let reached = state.withLock { state -> [UnsafeContinuation<Void, Never>] in
            state.rounds[sent, default: 0] += 1
            while state.rounds[state.leastSent + 1, default: 0] >= state.open, state.open > 0 { state.leastSent += 1 }
            let reached = state.waiting.filter { $0.bytes <= state.leastSent }.map(\.continuation)
            state.waiting.removeAll { $0.bytes <= state.leastSent }
            return reached
        }
        for continuation in reached { continuation.resume() }
    }
}
