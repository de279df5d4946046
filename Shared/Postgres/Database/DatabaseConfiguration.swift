/// How a process reaches its database. All limits are per event loop unless said otherwise.
public struct DatabaseConfiguration: Sendable {
    /// `postgres://user:password@host:port/name?sslmode=verify-full…`, or libpq's `key=value` form.
    ///
    /// TLS is negotiated as libpq's `sslmode` says. Names are looked up on a thread of their own; of several hosts in one URL only the first
    /// is, so give addresses (`hostaddr`) for the others.
    public var url: String
    /// Shown in pg_stat_activity.
    public var applicationName = "trivet"

    /// Connections that all single reads of a loop share.
    public var readPipelines = 1
    /// Connections that all single writes of a loop share: as many commits may be under way at once.
    public var writePipelines = 4
    /// Statements that may be under way in one lane (reads or writes); more are refused with ``DatabaseError/queueFull``.
    public var statementQueueLimit = 4096
    /// Borrowed connections for transactions and sessions. Opened when needed.
    public var sessions = 4
    /// Callers that may wait for a session; more are refused with ``DatabaseError/queueFull``.
    public var sessionQueueLimit = 512
    /// Prepared statements kept on one connection; the one not used for longest goes first.
    public var preparedStatements = 256

    /// From the first packet to a usable connection.
    public var connectTimeout: Duration = .seconds(3)
    /// `statement_timeout` of the server.
    public var statementTimeout: Duration = .seconds(10)
    /// How much later than ``statementTimeout`` a statement is given up when the server does not answer at all.
    public var answerGrace: Duration = .seconds(1)
    /// Longest wait for a session.
    public var acquireTimeout: Duration = .seconds(3)
    /// `idle_in_transaction_session_timeout` of the server: a transaction that its process forgot.
    public var idleTransactionTimeout: Duration = .seconds(30)

    /// Pause before the first attempt to connect again; doubled at each failure, with jitter.
    public var reconnectDelay: Duration = .milliseconds(50)
    /// Longest pause between two attempts.
    public var reconnectDelayMax: Duration = .seconds(2)

    public init(url: String) { self.url = url }
}
