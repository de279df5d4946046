import EventLoop
import Locking
import TestSupport

/// Clients that ask for one decision after another, each on a connection of its own that is kept as long as it lasts, and
/// remember every answer that they received whole.
final class DecisionLoad: Sendable {
    struct Outcome: Sendable {
        var told: [Told] = []
        /// Answers that were not what the migration must get and not a failure either.
        var wrong: [String] = []
        /// Connections that broke before an answer was whole.
        var broken = 0
        /// Answers that did not come within ``patience``.
        var hung = 0
        /// Longest time from a request to its answer.
        var slowest = Duration.zero
        /// The same of failures.
        var slowestFailure = Duration.zero

        var allowed: Int { told.count { $0.decision == "ALLOW" } }
        var failed: Int { told.count { $0.isFailure } }
        var blocked: Int { told.count - allowed - failed }
    }

    private struct State {
        var outcome = Outcome()
        var isStopped = false
        /// Answers that were no failures, and failures.
        var decided = Milestones()
        var failed = Milestones()
    }

    /// Counts, and knows who waits for which count.
    private struct Milestones {
        private var count = 0
        private var waiting: [(at: Int, continuation: UnsafeContinuation<Void, Never>)] = []

        mutating func await(_ more: Int, _ continuation: UnsafeContinuation<Void, Never>) {
            waiting.append((count + more, continuation))
        }

        /// Returns those whose count is reached, to be resumed.
        mutating func add() -> [UnsafeContinuation<Void, Never>] {
            count += 1
            let reached = waiting.filter { $0.at <= count }.map(\.continuation)
            waiting.removeAll { $0.at <= count }
            return reached
        }
    }

    static let patience = Duration.seconds(20)

    private let address: @Sendable () throws -> SocketAddress
    private let token: String
    private let state = Locked(State())
    private let clients = Locked<[Task<Void, Never>]>([])

    init(token: String, address: @escaping @Sendable () throws -> SocketAddress) {
        self.token = token
        self.address = address
    }

    func start(clients count: Int, seed: UInt64) {
        clients.withLock { clients in
            clients = (0..<count).map { number in
                TestLoops.group.nextLoop().spawn { [self] in
                    var random = SeededRandom(seed &+ UInt64(number) &* 7919)
                    await ask(&random)
                }
            }
        }
    }

    /// Waits until `count` more answers have come that are no failures.
    func decided(_ count: Int) async {
        await withUnsafeContinuation { continuation in state.withLock { $0.decided.await(count, continuation) } }
    }

    /// Waits until `count` more failures have been told.
    func failed(_ count: Int) async {
        await withUnsafeContinuation { continuation in state.withLock { $0.failed.await(count, continuation) } }
    }

    /// Lets every client finish what it is waiting for.
    func stop() async -> Outcome {
        state.withLock { $0.isStopped = true }
        for client in clients.withLock({ $0 }) { await client.value }
        return state.withLock { $0.outcome }
    }

    private var isStopped: Bool { state.withLock { $0.isStopped } }

    private func ask(_ random: inout SeededRandom) async {
        while !isStopped {
            do {
                let client = try await TestClient.connect(to: try address())
                defer { client.close() }
                while !isStopped {
                    try await askOnce(client, &random)
                }
            } catch {
                state.withLock { state in
                    if error as? SocketError == .timedOut { state.outcome.hung += 1 } else { state.outcome.broken += 1 }
                }
                // The service may be down: not too often.
                try? await Loop.current?.sleep(for: .milliseconds(5))
            }
        }
    }

    private func askOnce(_ client: TestClient, _ random: inout SeededRandom) async throws {
        let kind = Int(random.next() % UInt64(MigrationCase.kinds))
        let migration = MigrationCase(kind: kind, number: Int(random.next() >> 40))
        let asked = MonotonicTime.now()
        client.socket.deadline = asked + DecisionLoad.patience
        try await client.send(migration.request(token: token))
        let response = try await client.receive()
        let told = try Told(response)
        note(told, migration, after: MonotonicTime.now() - asked)
    }

    private func note(_ told: Told, _ migration: MigrationCase, after duration: Duration) {
        let reached = state.withLock { state -> [UnsafeContinuation<Void, Never>] in
            state.outcome.told.append(told)
            state.outcome.slowest = max(state.outcome.slowest, duration)
            if told.isFailure {
                state.outcome.slowestFailure = max(state.outcome.slowestFailure, duration)
                if told.decision != "BLOCK" || told.reasons != ["INTERNAL_ERROR"] { state.outcome.wrong.append("\(told)") }
                return state.failed.add()
            }
            if told.status != migration.status || told.decision != migration.decision || told.reasons != migration.reasons {
                state.outcome.wrong.append("\(told), expected \(migration.decision) \(migration.reasons)")
            }
            return state.decided.add()
        }
        for continuation in reached { continuation.resume() }
    }
}
