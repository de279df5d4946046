import EventLoop

/// A transaction under way. Not for use by several tasks at once, nor after the closure that got it.
public final class Transaction: Queryable {
    private let core: LoopBound<SessionCore>
    private let isolation: IsolationLevel
    /// BEGIN travels with the first statement.
    private var hasBegun = false
    private var firstFailure: DatabaseError?
    /// A serialization failure, a deadlock or a plan that had to be made anew: running it again may succeed.
    private(set) var mayRunAgain = false

    init(_ core: LoopBound<SessionCore>, _ isolation: IsolationLevel) {
        self.core = core
        self.isolation = isolation
    }

    public func run<Row>(_ sql: SQL<Row>, lane: Lane? = nil) async throws(DatabaseError) -> StatementOutcome {
        let outcomes = try await perform([BoundStatement(sql)])
        return outcomes[0]
    }

    /// Sends all statements in one round trip.
    public func group(_ statements: [Command]) async throws(DatabaseError) -> [StatementOutcome] {
        statements.isEmpty ? [] : try await perform(statements.map { BoundStatement($0) })
    }

    private func perform(_ statements: [BoundStatement]) async throws(DatabaseError) -> [StatementOutcome] {
        for statement in statements {
            try statement.check()
            try StatementKind(statement.text).checkInsideTransaction(statement.text)
        }
        do throws(DatabaseError) {
            if hasBegun {
                if statements.count == 1 { return try await core.perform(.one(statements[0])) }
                return try await core.perform(.several(statements))
            }
            hasBegun = true
            let begin = BoundStatement(Command(text: isolation.begin))
            return Array(try await core.perform(.several([begin] + statements)).dropFirst())
        } catch {
            throw note(error)
        }
    }

    /// What is lost before COMMIT was sent has certainly not committed.
    private func note(_ error: DatabaseError) -> DatabaseError {
        let known: DatabaseError =
            switch error {
            case .unavailable(let reason, _): .unavailable(reason: reason, outcomeUnknown: false)
            case .timedOut: .timedOut(outcomeUnknown: false)
            default: error
            }
        if firstFailure == nil { firstFailure = known }
        noteTransient(error)
        return known
    }

    private func noteTransient(_ error: DatabaseError) {
        if let server = error.server, server.state.isTransient || server.asksForNewPlan { mayRunAgain = true }
    }

    /// Commits, or throws what stood in the way; a failure that `body` swallowed included.
    func commit() async throws(DatabaseError) {
        guard hasBegun else { return }
        if Task.isCancelled { throw .cancelled }
        do throws(DatabaseError) {
            // From here on cancellation changes nothing: the outcome has to be learned.
            let outcomes = try await core.perform(.one(BoundStatement("COMMIT" as Command)), cancellable: false)
            if outcomes[0].result.commandTag == "COMMIT" { return }
        } catch {
            noteTransient(error)
            throw error
        }
        // The server answers ROLLBACK when a statement had failed before.
        throw firstFailure ?? .cancelled
    }
}

extension Database {
    /// Runs `body` in a transaction on a borrowed session and commits what it did.
    ///
    /// When `body` throws or the task is cancelled, it is rolled back. After a serialization failure or a deadlock, whatever `body` made of it,
    /// `body` is run again as `retry` says: it must have no effect but through the transaction. No other system may be called from within it,
    /// nor the database past the transaction.
    @discardableResult
    public func transaction<T>(
        _ isolation: IsolationLevel = .readCommitted, retry: RetryPolicy = .standard,
        _ body: (Transaction) async throws -> T
    ) async throws -> T {
        let member = here()
        var backoff = Backoff(first: retry.delay, longest: retry.delayMax)
        var attempt = 1
        while true {
            let core = try await member.borrow()
            member.counters.transactions.increment()
            let transaction = Transaction(core, isolation)
            do {
                let value = try await body(transaction)
                try await transaction.commit()
                await end(core)
                return value
            } catch {
                await end(core)
                guard transaction.mayRunAgain, attempt < retry.attempts, !Task.isCancelled else { throw error }
            }
            attempt += 1
            member.counters.transactionRetries.increment()
            try await pause(backoff.next())
        }
    }

    private func end(_ core: LoopBound<SessionCore>) async {
        await core.shielded {
            await $0.rollback()
            $0.giveBack()
        }
    }

    private func pause(_ duration: Duration) async throws(DatabaseError) {
        do {
            if let loop = Loop.current { try await loop.sleep(for: duration) } else { try await Task.sleep(for: duration) }
        } catch {
            throw .cancelled
        }
    }
}
