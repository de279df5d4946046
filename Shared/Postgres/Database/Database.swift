public import EventLoop

/// The database of a process. Connections belong to event loops; a call made on a loop stays on it.
public final class Database: Sendable, Queryable {
    public let configuration: DatabaseConfiguration

    public init(_ configuration: DatabaseConfiguration, loops: LoopGroup) {
        self.configuration = configuration
    }

    /// Begins to connect. Statements sent before the first attempt has ended wait for it.
    public func start() {}

    /// Refuses new statements, lets those under way end, closes all connections.
    public func close() async {}

    /// Runs one statement on a shared connection, with a commit of its own. Cancellation is looked at before it is sent; a statement under way
    /// ends by itself or by its time limit, so that its outcome is known.
    ///
    /// - Parameter lane: nil takes the lane of reads for a text that begins with SELECT, VALUES, SHOW or TABLE, and that of writes for others.
    public func run<Row>(_ sql: SQL<Row>, lane: Lane? = nil) async throws(DatabaseError) -> StatementOutcome {
        throw .unavailable(reason: "not connected", outcomeUnknown: false)
    }

    public func group(_ statements: [Command]) async throws(DatabaseError) -> [StatementOutcome] {
        throw .unavailable(reason: "not connected", outcomeUnknown: false)
    }

    /// Runs `body` in a transaction on a borrowed session and commits what it did.
    ///
    /// When `body` throws or the task is cancelled, it is rolled back. After a serialization failure or a deadlock, whatever `body` made of it,
    /// `body` is run again as `retry` says: it must have no effect but through the transaction. No other system may be called from within it.
    public func transaction<T>(
        _ isolation: IsolationLevel = .readCommitted, retry: RetryPolicy = .standard,
        _ body: (Transaction) async throws -> T
    ) async throws -> T {
        throw DatabaseError.unavailable(reason: "not connected", outcomeUnknown: false)
    }

    /// Lends a session: for long reads, advisory locks and settings. A statement under way is cancelled on the server when the task is.
    /// Locks and settings that are left are undone when it is given back; temporary tables are not.
    ///
    /// - Parameter statementTimeout: in place of the configured one while the session is lent; zero is no limit.
    public func withSession<T>(
        statementTimeout: Duration? = nil, _ body: (Session) async throws -> T
    ) async throws -> T {
        throw DatabaseError.unavailable(reason: "not connected", outcomeUnknown: false)
    }

    /// From any thread.
    public var status: DatabaseStatus { DatabaseStatus() }
}
