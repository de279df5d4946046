import Crypto

/// A named lock that PostgreSQL keeps for everyone who knows the name (documentation, 13.3.5).
public struct AdvisoryLock: Sendable, Hashable {
    /// What the server counts it by.
    public let key: Int64

    public init(key: Int64) { self.key = key }

    /// The first eight bytes of the name's SHA-256: two names meet with a probability of one in 2^64.
    public init(_ name: String) {
        key = SHA256.hash(name).bytes.prefix(8).reduce(0) { $0 << 8 | Int64($1) }
    }
}

extension Transaction {
    /// Waits for the lock and keeps it until the transaction ends.
    public func lock(_ lock: AdvisoryLock) async throws(DatabaseError) {
        try await execute("SELECT pg_advisory_xact_lock(\(lock.key))")
    }

    /// Takes the lock until the transaction ends, unless another session has it.
    public func tryLock(_ lock: AdvisoryLock) async throws(DatabaseError) -> Bool {
        try await one("SELECT pg_try_advisory_xact_lock(\(lock.key))" as SQL<Bool>)
    }
}

extension Session {
    /// Waits for the lock and keeps it until ``unlock(_:)`` or until the session is given back.
    public func lock(_ lock: AdvisoryLock) async throws(DatabaseError) {
        try await execute("SELECT pg_advisory_lock(\(lock.key))")
    }

    /// Takes the lock unless another session has it.
    public func tryLock(_ lock: AdvisoryLock) async throws(DatabaseError) -> Bool {
        try await one("SELECT pg_try_advisory_lock(\(lock.key))" as SQL<Bool>)
    }

    /// Returns false when this session did not have it.
    @discardableResult
    public func unlock(_ lock: AdvisoryLock) async throws(DatabaseError) -> Bool {
        try await one("SELECT pg_advisory_unlock(\(lock.key))" as SQL<Bool>)
    }
}

extension Database {
    /// Runs `body` while holding the lock, on a session that is lent for it. Waits for the lock at most as long as a statement may take.
    @discardableResult
    public func withLock<T>(_ lock: AdvisoryLock, _ body: (Session) async throws -> T) async throws -> T {
        try await withSession { session in
            try await session.lock(lock)
            return try await body(session)
        }
    }

    /// Runs `body` while holding the lock, or returns nil when another session has it.
    @discardableResult
    public func withLockIfFree<T>(_ lock: AdvisoryLock, _ body: (Session) async throws -> T) async throws -> T? {
        try await withSession { session in
            guard try await session.tryLock(lock) else { return nil }
            return try await body(session)
        }
    }
}
