public import Crypto
public import Encoding
public import Postgres

/// One effect for one key, whoever retries (`Idempotency-Key`). Everything that matters is decided by a row, a unique
/// constraint and the database's clock, so any number of instances may share the table.
///
/// Two ways of use. A mutation that is one transaction runs in `once`. A mutation that calls another system claims the key
/// first (`claim`), and finishes it in the transaction that stores the outcome (`finish`), or releases it where nothing was
/// done (`release`), or holds it where nobody knows (`hold`).
public struct IdempotencyStore: Sendable {
    /// How long a key is remembered, from its first claim.
    public let window: Duration
    /// Age at which a claim whose process died may be taken over by the same request.
    public let takeover: Duration

    public init(window: Duration = .seconds(86_400), takeover: Duration = .seconds(120)) {
        self.window = window
        self.takeover = takeover
    }

    /// Claims the key for this call, or says what became of the call that has it.
    public func claim(
        _ request: IdempotentRequest, on database: some Queryable
    ) async throws(DatabaseError) -> IdempotencyClaim {
        let owner = UUID.v4(random: (SecureRandom.next64(), SecureRandom.next64()))
        let claim = OwnedClaim(scope: request.scope, owner: owner)
        if try await database.execute(insert(request, claim), lane: .write) == 1 { return .owned(claim) }
        guard let row = try await database.first(find(request.scope), lane: .write) else {
            // Another call holds the lock of this key and has not committed yet.
            return .inProgress
        }
        guard row.fingerprint == request.fingerprint.bytes else { return .conflict }
        return row.stored.map { .finished($0) } ?? .inProgress
    }

    /// Stores the answer, in the transaction that stores what it tells of.
    /// - Throws: `IdempotencyError.claimLost` where another call has taken the claim over: the transaction must not commit.
    public func finish(
        _ claim: OwnedClaim, with response: StoredResponse, in transaction: Transaction
    ) async throws {
        let changed = try await transaction.execute(
            """
            UPDATE idempotency_key
            SET status = \(response.status), fields = \(response.fieldText), body = \(response.body), is_held = false
            WHERE scope = \(claim.scope.bytes) AND owner = \(claim.owner.description) AND status IS NULL
            """)
        guard changed == 1 else { throw IdempotencyError.claimLost }
    }

    /// Keeps the claim from being taken over until `finish` or `release`, because the outcome of a call is not known.
    public func hold(_ claim: OwnedClaim, on database: some Queryable) async throws {
        let changed = try await database.execute(
            """
            UPDATE idempotency_key SET is_held = true
            WHERE scope = \(claim.scope.bytes) AND owner = \(claim.owner.description) AND status IS NULL
            """)
        guard changed == 1 else { throw IdempotencyError.claimLost }
    }

    /// The answer that the claim was finished with; nil where it is not finished or belongs to another call by now.
    public func stored(_ claim: OwnedClaim, on database: some Queryable) async throws(DatabaseError) -> StoredResponse? {
        let row = try await database.first(
            """
            SELECT fingerprint, status, fields, body FROM idempotency_key
            WHERE scope = \(claim.scope.bytes) AND owner = \(claim.owner.description)
            """ as SQL<KeyRow>)
        return row?.stored
    }

    /// Forgets the key: nothing was done, a retry is evaluated afresh. A claim that another call has is left alone.
    public func release(_ claim: OwnedClaim, on database: some Queryable) async throws(DatabaseError) {
        try await database.execute(
            """
            DELETE FROM idempotency_key
            WHERE scope = \(claim.scope.bytes) AND owner = \(claim.owner.description) AND status IS NULL
            """)
    }

    /// Runs `body` once for the key: claim, effect and stored answer commit in one transaction, or none does.
    ///
    /// Where `body` throws, nothing is remembered and the error goes on to the caller. A second call with the same key does
    /// not wait for the first.
    public func once(
        _ request: IdempotentRequest, on database: Database, isolation: IsolationLevel = .readCommitted,
        _ body: (Transaction) async throws -> StoredResponse
    ) async throws -> IdempotencyOutcome {
        try await database.transaction(isolation) { transaction in
            switch try await claim(request, on: transaction) {
            case .conflict: return .conflict
            case .inProgress: return .inProgress
            case .finished(let response): return .replayed(response)
            case .owned(let claim):
                let response = try await body(transaction)
                try await finish(claim, with: response, in: transaction)
                return .performed(response)
            }
        }
    }

    /// Removes keys whose window is over, a few at a time.
    /// - Returns: how many were removed; fewer than `limit` when no more are left.
    public func removeExpired(limit: Int = 1000, on database: some Queryable) async throws(DatabaseError) -> Int {
        try await database.execute(
            """
            DELETE FROM idempotency_key WHERE scope IN (
                SELECT scope FROM idempotency_key WHERE expires_at <= now() AND NOT is_held
                ORDER BY expires_at LIMIT \(limit) FOR UPDATE SKIP LOCKED)
            """)
    }

    // MARK: Statements

    /// One row where the key is free, expired, or claimed by a process that died. The advisory lock keeps a second call from
    /// waiting for the first one's transaction.
    private func insert(_ request: IdempotentRequest, _ claim: OwnedClaim) -> Command {
        """
        INSERT INTO idempotency_key AS known
            (scope, client, method, path, key, fingerprint, owner, claimed_at, expires_at)
        SELECT \(request.scope.bytes), \(request.client), \(request.method), \(request.path), \(request.key.text),
               \(request.fingerprint.bytes), \(claim.owner.description)::uuid, now(),
               now() + \(window.wholeMicroseconds) * interval '1 microsecond'
        WHERE pg_try_advisory_xact_lock(\(claim.lockKey))
        ON CONFLICT (scope) DO UPDATE
        SET fingerprint = excluded.fingerprint, owner = excluded.owner, claimed_at = excluded.claimed_at,
            expires_at = excluded.expires_at, status = NULL, fields = NULL, body = NULL, is_held = false
        WHERE NOT known.is_held AND (known.expires_at <= now()
            OR known.status IS NULL AND known.fingerprint = excluded.fingerprint
               AND known.claimed_at <= now() - \(takeover.wholeMicroseconds) * interval '1 microsecond')
        """
    }

    private func find(_ scope: Digest32) -> SQL<KeyRow> {
        "SELECT fingerprint, status, fields, body FROM idempotency_key WHERE scope = \(scope.bytes)"
    }
}

/// What claiming a key found.
public enum IdempotencyClaim: Sendable, Equatable {
    /// This call runs the request.
    case owned(OwnedClaim)
    /// The request was run before: give this answer again.
    case finished(StoredResponse)
    /// Another call runs it now: 409 with `Retry-After`.
    case inProgress
    /// The key was used for another request: 409.
    case conflict
}

/// What became of a request that was run at most once.
public enum IdempotencyOutcome: Sendable, Equatable {
    case performed(StoredResponse)
    case replayed(StoredResponse)
    case inProgress
    case conflict
}

/// The right to finish a key, until another call takes it over.
public struct OwnedClaim: Sendable, Hashable {
    /// Finds the row.
    public let scope: Digest32
    /// Fencing token; store both with a recovery point, so that a reconciler can finish the key later.
    public let owner: UUID

    public init(scope: Digest32, owner: UUID) {
        self.scope = scope
        self.owner = owner
    }

    var lockKey: Int64 { scope.withUnsafeBytes { $0.loadUnaligned(as: Int64.self) } }
}

public enum IdempotencyError: Error, Sendable, Hashable {
    /// The claim belongs to another call by now.
    case claimLost
}

extension IdempotencyStore {
    /// `Retry-After` of a 409 that says in progress, seconds.
    public static let retryAfterSeconds = 1
}

private struct KeyRow: PostgresRow {
    let fingerprint: [UInt8]
    let stored: StoredResponse?

    init(_ row: inout RowReader) throws(RowError) {
        fingerprint = try row.next()
        let status: Int? = try row.next()
        let fields: String? = try row.next()
        let body: [UInt8]? = try row.next()
        if let status, let fields, let body {
            stored = StoredResponse(status: status, fields: StoredResponse.fields(from: fields), body: body)
        } else {
            stored = nil
        }
    }
}

extension Duration {
    /// Whole microseconds, clamped to what an `Int64` holds.
    var wholeMicroseconds: Int64 {
        let (seconds, attoseconds) = components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let edge: Int64 = seconds < 0 ? .min : .max
        if overflow { return edge }
        let (sum, carried) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        return carried ? edge : sum
    }
}
