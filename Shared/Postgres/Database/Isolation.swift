/// Isolation of a transaction (PostgreSQL documentation, 13.2).
public enum IsolationLevel: Sendable, Hashable {
    case readCommitted
    case repeatableRead
    case serializable
    /// Repeatable read, and no write allowed.
    case readOnlySnapshot

    var begin: String {
        switch self {
        case .readCommitted: "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE"
        case .repeatableRead: "BEGIN ISOLATION LEVEL REPEATABLE READ READ WRITE"
        case .serializable: "BEGIN ISOLATION LEVEL SERIALIZABLE READ WRITE"
        case .readOnlySnapshot: "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY"
        }
    }
}

/// How often a transaction is run again after a serialization failure (40001) or a deadlock (40P01).
public struct RetryPolicy: Sendable, Hashable {
    /// Runs in all, at least 1.
    public var attempts: Int
    /// Pause before the second run; doubled each time, with jitter from half to all of it.
    public var delay: Duration
    /// Longest pause.
    public var delayMax: Duration

    public init(attempts: Int, delay: Duration = .milliseconds(5), delayMax: Duration = .milliseconds(250)) {
        self.attempts = max(1, attempts)
        self.delay = delay
        self.delayMax = delayMax
    }

    public static let standard = RetryPolicy(attempts: 8)
    public static let never = RetryPolicy(attempts: 1)
}

/// Which shared connections a single statement goes through.
public enum Lane: Sendable, Hashable {
    /// Reads: never behind a commit.
    case read
    /// Writes.
    case write
}
