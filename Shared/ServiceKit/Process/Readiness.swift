import EventLoop
import Locking
import Postgres

/// Whether the service should be sent requests: its database answers and takes writes, its schema is current, and it is not
/// stopping.
///
/// Asked for on demand; an answer is kept for a moment, so that many probes cost one statement. A process that has found
/// its schema current does not ask again: a newer release may then migrate ahead of it.
final class Readiness: Sendable {
    enum State: Sendable, Equatable {
        case ready
        /// One line for each reason.
        case notReady([String])
    }

    private struct Memory {
        var isDraining = false
        var isSchemaCurrent = false
        var state = State.notReady(["starting"])
        var freshUntil = MonotonicTime(nanoseconds: 0)
    }

    /// How long an answer is kept.
    private static let freshness = Duration.milliseconds(250)
    /// Longest wait for the database.
    private static let timeout = Duration.seconds(1)

    private let database: Database
    private let migrator: Migrator
    private let conditions: [@Sendable () async -> String?]
    private let memory = Locked(Memory())

    init(_ database: Database, _ migrations: [Migration], conditions: [@Sendable () async -> String?]) {
        self.database = database
        migrator = Migrator(database, migrations: migrations)
        self.conditions = conditions
    }

    /// From now on the answer is no.
    func beginDraining() { memory.withLock { $0.isDraining = true } }

    /// For metrics: the last answer, without asking again.
    var lastState: State { memory.withLock { $0.isDraining ? .notReady(["draining"]) : $0.state } }

    /// On a loop.
    func check() async -> State {
        let (known, isSchemaCurrent) = memory.withLock { memory -> (State?, Bool) in
            if memory.isDraining { return (.notReady(["draining"]), memory.isSchemaCurrent) }
            return (memory.freshUntil > .now() ? memory.state : nil, memory.isSchemaCurrent)
        }
        if let known { return known }
        var reasons: [String] = []
        var schemaIsCurrent = isSchemaCurrent
        do {
            guard let loop = Loop.current else { return lastState }
            let isWritable = try await abandoning(after: Self.timeout, on: loop) { [database] in
                try await database.one(
                    "SELECT NOT pg_is_in_recovery() AND current_setting('default_transaction_read_only') = 'off'"
                        as SQL<Bool>)
            }
            if !isWritable { reasons.append("the database takes no writes") }
            // A request may come to any loop.
            if !database.status.isReachableFromEveryLoop { reasons.append("the database is not reached by every loop yet") }
            if !schemaIsCurrent {
                let status = try await abandoning(after: Self.timeout, on: loop) { [migrator] in try await migrator.status() }
                schemaIsCurrent = status == .current
                reasons += Self.reason(status)
            }
        } catch {
            reasons.append("the database does not answer")
        }
        for condition in conditions {
            if let reason = await condition() { reasons.append(reason) }
        }
        let state: State = reasons.isEmpty ? .ready : .notReady(reasons)
        return memory.withLock { [schemaIsCurrent] memory in
            memory.isSchemaCurrent = memory.isSchemaCurrent || schemaIsCurrent
            memory.state = state
            memory.freshUntil = .now() + Self.freshness
            return memory.isDraining ? .notReady(["draining"]) : state
        }
    }

    private static func reason(_ status: SchemaStatus) -> [String] {
        switch status {
        case .current: []
        case .behind(let numbers): ["the schema lacks \(numbers.count) migrations: run migrate"]
        case .incompatible: ["the schema is not that of this release"]
        }
    }
}
