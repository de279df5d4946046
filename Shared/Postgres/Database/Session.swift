/// A connection lent to one task. Not for use by several tasks at once, nor after the closure that got it.
public final class Session: Queryable {
    let core: LoopBound<SessionCore>

    init(_ core: LoopBound<SessionCore>) { self.core = core }

    public func run<Row>(_ sql: SQL<Row>, lane: Lane? = nil) async throws(DatabaseError) -> StatementOutcome {
        let statement = BoundStatement(sql)
        try statement.check()
        return try await core.perform(.one(statement))[0]
    }

    public func group(_ statements: [Command]) async throws(DatabaseError) -> [StatementOutcome] {
        let bound = statements.map { BoundStatement($0) }
        for statement in bound { try statement.check() }
        return bound.isEmpty ? [] : try await core.perform(.several(bound))
    }

    /// Runs several statements in one text, without parameters, as one implicit transaction unless the text says otherwise.
    func script(_ text: String) async throws(DatabaseError) {
        if text.utf8.contains(0) { throw .parameter(.nulInStatement) }
        _ = try await core.perform(.script(text))
    }

    /// The process id of the server's side of this session, as in pg_stat_activity.
    public var backendPID: Int {
        get async throws(DatabaseError) {
            let core = core
            return try await onLoop(core.loop) { () async throws(DatabaseError) -> Int in
                Int(core.value.connection.backendPID)
            }
        }
    }
}

extension Database {
    /// Lends a session: for long reads, advisory locks and settings. A statement under way is cancelled on the server when the task is.
    /// Locks and settings that are left are undone when it is given back; temporary tables are not.
    ///
    /// - Parameter statementTimeout: in place of the configured one while the session is lent; zero is no limit.
    @discardableResult
    public func withSession<T>(
        statementTimeout: Duration? = nil, _ body: (Session) async throws -> T
    ) async throws -> T {
        let core = try await here().borrow()
        do {
            if let statementTimeout {
                try await onLoop(core.loop) { () async throws(DatabaseError) -> Void in
                    try await core.value.setStatementTimeout(statementTimeout)
                }
            }
            let value = try await body(Session(core))
            await giveBack(core)
            return value
        } catch {
            await giveBack(core)
            throw error
        }
    }

    private func giveBack(_ core: LoopBound<SessionCore>) async {
        await core.shielded {
            await $0.clean()
            $0.giveBack()
        }
    }
}
