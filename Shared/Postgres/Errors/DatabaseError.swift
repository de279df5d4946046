/// Why a statement or a transaction gave nothing. Descriptions hold neither statement texts nor values.
public enum DatabaseError: Error, Sendable, Hashable {
    /// No usable connection: the server is down, restarting or unreachable, or the connection broke.
    /// `outcomeUnknown`: the statement had been sent and may have committed. Answer 503.
    case unavailable(reason: String, outcomeUnknown: Bool)
    /// The statement took longer than its time limit. `outcomeUnknown`: the server did not say that it stopped.
    case timedOut(outcomeUnknown: Bool)
    /// No session became free within ``DatabaseConfiguration/acquireTimeout``.
    case acquireTimedOut
    /// As many callers as ``DatabaseConfiguration/sessionQueueLimit`` or ``DatabaseConfiguration/statementQueueLimit`` allow are waiting already.
    case queueFull
    /// The server refused the statement, and rolled it back.
    case server(ServerError)
    /// A row was not what the code expected.
    case decoding(RowError)
    /// A value cannot be sent.
    case parameter(ParameterError)
    /// The task was cancelled; what was running on the server was told to stop, and its transaction rolled back.
    case cancelled

    /// Whether the same work may be tried again and succeed: nothing has committed.
    public var isRetryable: Bool {
        switch self {
        case .unavailable(_, let unknown): !unknown
        case .acquireTimedOut, .queueFull: true
        case .timedOut(let unknown): !unknown
        case .server(let error): error.state.isTransient
        case .decoding, .parameter, .cancelled: false
        }
    }

    /// What the server said, when it did.
    public var server: ServerError? {
        if case .server(let error) = self { error } else { nil }
    }

    /// The name of the violated unique constraint or index.
    public var uniqueViolation: String? { server?.violated(.uniqueViolation) }
    /// The name of the violated check constraint.
    public var checkViolation: String? { server?.violated(.checkViolation) }
    /// The name of the violated foreign key.
    public var foreignKeyViolation: String? { server?.violated(.foreignKeyViolation) }
}

extension DatabaseError: CustomStringConvertible {
    public var description: String {
        switch self {
        case .unavailable(let reason, let unknown):
            "database unavailable: \(reason)\(unknown ? " (outcome unknown)" : "")"
        case .timedOut(let unknown): "statement timed out\(unknown ? " (outcome unknown)" : "")"
        case .acquireTimedOut: "no database session became free in time"
        case .queueFull: "too many callers wait for the database"
        case .server(let error): error.description
        case .decoding(let error): error.description
        case .parameter(let error): error.description
        case .cancelled: "cancelled"
        }
    }
}

/// A value that cannot be sent to PostgreSQL.
public enum ParameterError: Error, Sendable, Hashable, CustomStringConvertible {
    /// A text or JSON parameter (counted from 1) holds U+0000, which PostgreSQL cannot store.
    case nulCharacter(position: Int)
    /// More than the 65,535 parameters that the protocol counts.
    case tooMany(Int)
    /// The statement's text holds U+0000.
    case nulInStatement
    /// A statement that starts or ends transactions or changes settings was sent where it would reach others: it needs a session.
    case needsSession(keyword: String)

    public var description: String {
        switch self {
        case .nulCharacter(let position): "parameter $\(position) contains U+0000"
        case .tooMany(let count): "\(count) parameters are more than the protocol allows"
        case .nulInStatement: "the statement contains U+0000"
        case .needsSession(let keyword): "\(keyword) cannot be sent here: use transaction or withSession"
        }
    }
}
