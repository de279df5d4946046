package import Encoding
import EventLoop
import Locking
package import Postgres

/// Tells other sessions and processes that there is something to look at, after it has been committed.
///
/// NOTIFY within the transaction would hold a lock of the whole cluster until that transaction is on disk: every commit that
/// notifies would wait for the one before it. A transaction that does nothing but notify writes nothing, and is not waited for
/// by the disk. A signal that gets lost is made up for by polling, as any notification must be.
package final class JobSignals: Sendable {
    package enum Signal: Hashable, Sendable {
        /// A job is due: workers look.
        case queued
        /// A job has new events: its streams look.
        case event(UUID)
    }

    private struct State {
        var pending: Set<Signal> = []
        var isSending = false
    }

    private let database: Database
    private let state = Locked(State())

    package init(_ database: Database) { self.database = database }

    /// Returns at once. What comes while a statement is under way goes with the next one.
    package func send(_ signals: [Signal]) {
        let mustStart = state.withLock { state -> Bool in
            state.pending.formUnion(signals)
            if state.isSending || state.pending.isEmpty { return false }
            state.isSending = true
            return true
        }
        guard mustStart else { return }
        if let loop = Loop.current {
            loop.spawn { await self.drain() }
        } else {
            Task { await drain() }
        }
    }

    private func drain() async {
        while true {
            let batch = state.withLock { state -> Set<Signal> in
                defer { state.pending = [] }
                state.isSending = !state.pending.isEmpty
                return state.pending
            }
            if batch.isEmpty { return }
            let channels = batch.map { $0 == .queued ? JobEventSQL.queuedChannel : JobEventSQL.eventChannel }
            _ = try? await database.execute(
                """
                SELECT pg_notify(channel, payload)
                FROM unnest(\(channels), \(batch.map(\.payload))) AS signal (channel, payload)
                """, lane: .write)
        }
    }
}

extension JobSignals.Signal {
    fileprivate var payload: String {
        switch self {
        case .queued: ""
        case .event(let job): job.description
        }
    }
}
