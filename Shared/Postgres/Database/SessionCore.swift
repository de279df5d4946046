import EventLoop

/// A lent connection, on its loop: what ``Session`` and ``Transaction`` have in common. Loop-bound.
final class SessionCore {
    let connection: Connection
    let owner: LoopDatabase
    private var isBusy = false
    private var isGivenBack = false

    init(_ connection: Connection, owner: LoopDatabase) {
        self.connection = connection
        self.owner = owner
    }

    /// Sends a unit and waits for its end. When the task is cancelled meanwhile, so is the statement on the server.
    func perform(
        _ work: StatementUnit.Work, cancellable: Bool = true
    ) async throws(DatabaseError) -> [StatementOutcome] {
        precondition(!isGivenBack, "a session was used after it had been given back")
        precondition(!isBusy, "a session was used by two tasks at once")
        if cancellable, Task.isCancelled { throw .cancelled }
        isBusy = true
        defer { isBusy = false }
        let unit = StatementUnit(work, deadline: nil)
        count(work)
        if cancellable {
            let connection = LoopBound(connection, on: owner.loop), bound = LoopBound(unit, on: owner.loop)
            await withTaskCancellationHandler {
                await send(unit)
            } onCancel: {
                connection.loop.execute { connection.value.cancel(bound.value) }
            }
            await self.connection.cancelsSettled()
            if unit.cancelWasSent, unit.failure != nil { throw .cancelled }
        } else {
            await send(unit)
        }
        return try unit.outcomes()
    }

    private func send(_ unit: StatementUnit) async {
        await withUnsafeContinuation {
            unit.wait($0)
            connection.submit(unit)
        }
    }

    private func count(_ work: StatementUnit.Work) {
        switch work {
        case .one, .script: owner.connector.counters.statements.add()
        case .several(let statements): owner.connector.counters.statements.add(statements.count)
        }
    }

    /// Rolls back whatever is open. Not cancellable. A connection that does not obey is closed when it is given back.
    func rollback() async {
        guard connection.isOpen, connection.isQuiet, !connection.isOutsideTransaction else { return }
        _ = try? await perform(.one(BoundStatement("ROLLBACK" as Command)), cancellable: false)
    }

    /// Undoes what a session may have left: a transaction, locks, settings, a role.
    func clean() async {
        await rollback()
        guard connection.isOpen, connection.isQuiet else { return }
        let undoing: [Command] = [
            "SELECT pg_advisory_unlock_all()", "SET SESSION AUTHORIZATION DEFAULT", "RESET ALL", "UNLISTEN *",
        ]
        do {
            _ = try await perform(.several(undoing.map { BoundStatement($0) }), cancellable: false)
        } catch {
            connection.close(because: "its session could not be cleaned up")
        }
    }

    /// Sets the time limit of statements, zero for none.
    func setStatementTimeout(_ duration: Duration) async throws(DatabaseError) {
        connection.answerLimit = owner.connector.answerLimit(duration)
        let command: Command =
            "SELECT set_config('statement_timeout', \(String(duration > .zero ? duration.milliseconds : 0)), false)"
        _ = try await perform(.one(BoundStatement(command)))
    }

    func giveBack() {
        if isGivenBack { return }
        isGivenBack = true
        connection.answerLimit = owner.connector.answerLimit(owner.connector.configuration.statementTimeout)
        owner.sessions.release(connection)
    }
}

extension Database.Member {
    /// Borrows a connection of this loop.
    func borrow() async throws(DatabaseError) -> LoopBound<SessionCore> {
        let bound = bound
        return try await onLoop(loop) { () async throws(DatabaseError) -> LoopBound<SessionCore> in
            let owner = bound.value
            return LoopBound(SessionCore(try await owner.sessions.acquire(), owner: owner), on: owner.loop)
        }
    }
}

extension LoopBound<SessionCore> {
    func perform(
        _ work: StatementUnit.Work, cancellable: Bool = true
    ) async throws(DatabaseError) -> [StatementOutcome] {
        let core = self
        return try await onLoop(loop) { () async throws(DatabaseError) -> [StatementOutcome] in
            try await core.value.perform(work, cancellable: cancellable)
        }
    }

    /// Runs the last steps of a session even when the task has been cancelled.
    func shielded(_ body: @escaping @Sendable (SessionCore) async -> Void) async {
        let core = self
        if loop.isCurrent { return await body(value) }
        // Not loop.run: a cancelled task could not wait for it.
        await loop.spawn { await body(core.value) }.value
    }
}
