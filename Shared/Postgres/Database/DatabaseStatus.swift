/// What a ``Database`` tells readiness and metrics. Counters since the start, over all loops.
public struct DatabaseStatus: Sendable, Hashable {
    /// At least one connection for reads and one for writes is up. Not a promise for the next statement.
    public var isReachable = false
    /// That holds on every event loop: after an outage some are back before others.
    public var isReachableFromEveryLoop = false
    /// Shared connections that are up.
    public var pipelinesUp = 0
    /// Statements under way on shared connections.
    public var statementsInFlight = 0
    /// Sessions that are lent.
    public var sessionsInUse = 0
    /// Open sessions that wait for work.
    public var sessionsIdle = 0
    /// Callers that wait for a session.
    public var sessionsAwaited = 0
    public var statements: UInt64 = 0
    /// Statements that ended in an error.
    public var statementErrors: UInt64 = 0
    public var transactions: UInt64 = 0
    /// Transactions run again after a serialization failure or a deadlock.
    public var transactionRetries: UInt64 = 0
    /// Connections made, the first ones included.
    public var connects: UInt64 = 0
    /// Attempts to connect that failed.
    public var connectFailures: UInt64 = 0
    /// Connections that broke.
    public var connectionsLost: UInt64 = 0
    /// Cancel requests sent.
    public var cancels: UInt64 = 0
}
