public import Encoding
public import HTTP
public import Postgres

/// A limit of requests per window for each client.
public struct RateLimit: Sendable, Hashable {
    /// Names the counter and, in `RateLimit` fields, the policy: letters, digits, hyphens. Buckets are independent.
    public let bucket: String
    /// Requests allowed in a window; 0 refuses all.
    public let limit: Int
    public let window: Duration

    public init(bucket: String, limit: Int, window: Duration = .seconds(60)) {
        precondition(limit >= 0 && limit < 1_000_000_000 && window > .zero, "no limit")
        self.bucket = bucket
        self.limit = limit
        self.window = window
    }
}

/// Counts requests in PostgreSQL, with its clock: one statement each, one row for each client and bucket, shared by all
/// instances. A window begins with the first request counted after the last one ended. Refused requests are not counted.
///
/// The table is unlogged: counting costs no wait for the disk, and a crash of PostgreSQL begins all windows anew.
public struct RateLimiter: Sendable {
    /// Final once released.
    public static let schema = """
        CREATE UNLOGGED TABLE rate_window (
            client     text NOT NULL,
            bucket     text NOT NULL,
            started_at timestamptz NOT NULL,
            used       integer NOT NULL CHECK (used > 0),
            PRIMARY KEY (client, bucket)
        ) WITH (fillfactor = 50);
        """

    /// What the serving role needs.
    public static let grants: [Grant] = [.table("rate_window", [.select, .insert, .update])]

    private let database: Database

    public init(_ database: Database) { self.database = database }

    /// Counts one request of `client`, or says that there are too many.
    public func count(_ client: String, _ limit: RateLimit) async throws(DatabaseError) -> RateDecision {
        let window = limit.window.wholeMicroseconds
        let row = try await database.one(
            """
            INSERT INTO rate_window AS w (client, bucket, started_at, used)
            VALUES (\(client), \(limit.bucket), now(), 1)
            ON CONFLICT (client, bucket) DO UPDATE SET
                started_at = CASE WHEN w.started_at <= now() - \(window) * interval '1 microsecond'
                             THEN now() ELSE w.started_at END,
                used = CASE WHEN w.started_at <= now() - \(window) * interval '1 microsecond'
                       THEN 1 ELSE least(w.used, \(limit.limit)) + 1 END
            RETURNING used, (extract(epoch FROM started_at) * 1000000)::bigint,
                      (extract(epoch FROM now()) * 1000000)::bigint
            """ as SQL<Columns<Int, Int64, Int64>>, lane: .write)
        let (used, started, now) = row.values
        let resetAt = Timestamp(microseconds: started) + limit.window
        return RateDecision(
            limit: limit, isAllowed: used <= limit.limit, used: min(used, limit.limit), resetAt: resetAt,
            now: Timestamp(microseconds: now))
    }

    /// Takes back one request that was counted: it turned out to be none of those that are limited.
    public func giveBack(_ client: String, _ limit: RateLimit) async throws(DatabaseError) {
        // A window that nothing is left in is over.
        try await database.execute(
            """
            UPDATE rate_window SET used = greatest(used - 1, 1),
                started_at = CASE WHEN used = 1 THEN 'epoch' ELSE started_at END
            WHERE client = \(client) AND bucket = \(limit.bucket)
            """)
    }

    /// What `client` has used of its limit, without counting anything.
    public func state(of client: String, _ limit: RateLimit) async throws(DatabaseError) -> RateDecision {
        let row = try await database.one(
            """
            SELECT coalesce(w.used, 0)::bigint, (extract(epoch FROM coalesce(w.started_at, now())) * 1000000)::bigint,
                   (extract(epoch FROM now()) * 1000000)::bigint
            FROM (VALUES (1)) AS always LEFT JOIN rate_window AS w ON w.client = \(client) AND w.bucket = \(limit.bucket)
                AND w.started_at > now() - \(limit.window.wholeMicroseconds) * interval '1 microsecond'
            """ as SQL<Columns<Int, Int64, Int64>>)
        let (used, started, now) = row.values
        return RateDecision(
            limit: limit, isAllowed: used < limit.limit, used: min(used, limit.limit),
            resetAt: Timestamp(microseconds: started) + limit.window, now: Timestamp(microseconds: now))
    }
}

/// Whether a request may go on, and what the client should know.
public struct RateDecision: Sendable, Hashable {
    public let limit: RateLimit
    public let isAllowed: Bool
    /// Requests counted in this window, this one included where it is allowed.
    public let used: Int
    /// End of the window, by the database's clock.
    public let resetAt: Timestamp
    let now: Timestamp

    public var remaining: Int { limit.limit - used }

    /// Whole seconds until the window ends, at least 1.
    public var resetSeconds: Int { Self.seconds(from: now, to: resetAt) }

    /// Adds `RateLimit-Policy` and `RateLimit` (draft-ietf-httpapi-ratelimit-headers), and `Retry-After` where the request
    /// is refused.
    public func describe(in fields: inout HTTPFields) {
        let window = max(1, limit.window.wholeMicroseconds / 1_000_000)
        fields.set("RateLimit-Policy", "\"\(limit.bucket)\";q=\(limit.limit);w=\(window)")
        fields.set("RateLimit", "\"\(limit.bucket)\";r=\(remaining);t=\(resetSeconds)")
        if !isAllowed { fields.set("Retry-After", "\(resetSeconds)") }
    }

    /// Rounded up, at least 1.
    static func seconds(from now: Timestamp, to end: Timestamp) -> Int {
        let left = end - now
        let (seconds, attoseconds) = left.components
        return max(1, Int(clamping: seconds) + (attoseconds > 0 ? 1 : 0))
    }
}
