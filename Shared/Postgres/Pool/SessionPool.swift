import EventLoop

/// The connections of one loop that are lent to one task at a time. Loop-bound.
final class SessionPool {
    /// One caller in the queue.
    private final class Waiter {
        var continuation: UnsafeContinuation<Void, Never>?
        var outcome: Result<Connection, DatabaseError>?
        var timer: TimerID?
    }

    private let connector: Connector
    private let loop: Loop
    private var idle: [Connection] = []
    private var lent: [Connection] = []
    private var opening = 0
    private var waiters = Ring<Waiter>()
    private var backoff: Backoff
    private var blockedUntil: MonotonicTime?
    private var lastFailure = "not connected yet"
    private var closedBecause: String?
    private var whenDrained: UnsafeContinuation<Void, Never>?

    init(_ connector: Connector) {
        self.connector = connector
        loop = connector.loop
        backoff = connector.backoff()
    }

    private var counters: DatabaseCounters { connector.counters }
    private var limit: Int { max(1, connector.configuration.sessions) }

    /// Lends a connection, first come first served.
    func acquire() async throws(DatabaseError) -> Connection {
        if let closedBecause { throw .unavailable(reason: closedBecause, outcomeUnknown: false) }
        if Task.isCancelled { throw .cancelled }
        if waiters.isEmpty, let connection = popIdle() { return lend(connection) }
        if let blockedUntil, idle.isEmpty, lent.isEmpty, blockedUntil > loop.now {
            throw .unavailable(reason: lastFailure, outcomeUnknown: false)
        }
        guard waiters.count < connector.configuration.sessionQueueLimit else { throw .queueFull }
        return try await wait()
    }

    private func wait() async throws(DatabaseError) -> Connection {
        let waiter = Waiter()
        waiters.append(waiter)
        noteQueue()
        waiter.timer = loop.schedule(after: connector.configuration.acquireTimeout) { [weak self, weak waiter] in
            guard let self, let waiter else { return }
            waiter.timer = nil
            self.giveUp(waiter, .acquireTimedOut)
        }
        openIfNeeded()
        let box = LoopBound(waiter, on: loop), pool = LoopBound(self, on: loop)
        await withTaskCancellationHandler {
            if waiter.outcome == nil { await withUnsafeContinuation { waiter.continuation = $0 } }
        } onCancel: {
            pool.loop.execute { pool.value.giveUp(box.value, .cancelled) }
        }
        guard let outcome = waiter.outcome else { throw .acquireTimedOut }
        let connection = try outcome.get()
        return connection
    }

    private func giveUp(_ waiter: Waiter, _ error: DatabaseError) {
        guard waiter.outcome == nil else { return }
        waiters.removeAll { $0 === waiter }
        noteQueue()
        settle(waiter, .failure(error))
    }

    private func settle(_ waiter: Waiter, _ outcome: Result<Connection, DatabaseError>) {
        waiter.outcome = outcome
        if let timer = waiter.timer { loop.cancel(timer) }
        waiter.timer = nil
        let continuation = waiter.continuation
        waiter.continuation = nil
        continuation?.resume()
    }

    private func popIdle() -> Connection? {
        while let connection = idle.popLast() {
            if connection.isQuiet { return connection }
            connection.close(because: "not in a usable state")
        }
        return nil
    }

    private func lend(_ connection: Connection) -> Connection {
        lent.append(connection)
        noteUse()
        return connection
    }

    /// Takes a connection back. One that is not quiet and outside any transaction is closed.
    func release(_ connection: Connection) {
        lent.removeAll { $0 === connection }
        if connection.isOpen, !connection.isQuiet || !connection.isOutsideTransaction || closedBecause != nil {
            connection.close(because: closedBecause ?? "given back in the middle of its work")
        }
        if connection.isOpen { offer(connection) } else { openIfNeeded() }
        noteUse()
        if lent.isEmpty, let waiting = whenDrained {
            whenDrained = nil
            waiting.resume()
        }
    }

    private func offer(_ connection: Connection) {
        if let waiter = waiters.popFirst() {
            noteQueue()
            settle(waiter, .success(lend(connection)))
        } else {
            idle.append(connection)
        }
    }

    private func openIfNeeded() {
        while closedBecause == nil, opening < waiters.count, idle.count + lent.count + opening < limit {
            opening += 1
            let box = LoopBound(self, on: loop)
            loop.spawn { await box.value.open() }
        }
    }

    private func open() async {
        if let blockedUntil, blockedUntil > loop.now { try? await loop.sleep(for: blockedUntil - loop.now) }
        do {
            let connection = try await connector.connect()
            opening -= 1
            blockedUntil = nil
            backoff.reset()
            if let closedBecause { return connection.close(because: closedBecause) }
            connection.onClose = { [weak self] in self?.lost($0) }
            offer(connection)
            noteUse()
        } catch {
            opening -= 1
            if case .unavailable(let reason, _) = error { lastFailure = reason }
            blockedUntil = MonotonicTime.now() + backoff.next()
            // Whoever waits for a session that is in use keeps waiting for it.
            if lent.isEmpty, idle.isEmpty { failWaiters(error) } else { openIfNeeded() }
        }
    }

    private func failWaiters(_ error: DatabaseError) {
        while let waiter = waiters.popFirst() { settle(waiter, .failure(error)) }
        noteQueue()
    }

    private func lost(_ connection: Connection) {
        idle.removeAll { $0 === connection }
        if closedBecause == nil { counters.connectionsLost.add() }
        noteUse()
    }

    private func noteQueue() { counters.sessionsAwaited.set(waiters.count) }

    private func noteUse() {
        counters.sessionsInUse.set(lent.count)
        counters.sessionsIdle.set(idle.count)
    }

    /// Refuses new callers, waits for lent connections and closes all.
    func close(because reason: String) async {
        closedBecause = reason
        failWaiters(.unavailable(reason: reason, outcomeUnknown: false))
        for connection in idle { connection.close(because: reason) }
        idle = []
        noteUse()
        if !lent.isEmpty { await withUnsafeContinuation { whenDrained = $0 } }
    }

    /// Takes lent connections away from those who did not give them back in time.
    func closeLent(because reason: String) {
        for connection in lent { connection.close(because: reason) }
    }
}
