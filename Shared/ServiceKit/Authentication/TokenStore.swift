import Crypto
public import Encoding
public import Postgres

/// Creates, lists and revokes access tokens: what `token …` does, under the role that owns the schema.
public struct TokenStore: Sendable {
    private let database: Database
    private let prefix: String

    public init(_ database: Database, prefix: String = TokenAuthenticator.defaultPrefix.description) {
        self.database = database
        self.prefix = prefix
    }

    /// Stores a new token and returns it; nobody can read it again.
    /// - Parameter lifetime: nil for a token that does not expire.
    public func create(client: String, role: String, lifetime: Duration?) async throws(DatabaseError) -> AccessToken {
        while true {
            let token = AccessToken.make(prefix: prefix)
            let microseconds = lifetime.map { max(1, Int64($0.components.seconds) * 1_000_000) }
            let stored = try await database.execute(
                """
                INSERT INTO access_token (id, secret_sha256, client, role, expires_at)
                VALUES (\(token.id.description), \(token.digest.bytes), \(client), \(role),
                        now() + \(microseconds as Int64?) * interval '1 microsecond')
                ON CONFLICT (id) DO NOTHING
                """)
            if stored == 1 { return token }
        }
    }

    /// All tokens, oldest first.
    public func list() async throws(DatabaseError) -> [TokenRecord] {
        try await database.query(
            """
            SELECT id, client, role, \(Self.microseconds("created_at")), \(Self.microseconds("expires_at")),
                   \(Self.microseconds("revoked_at")), \(Self.microseconds("last_used_at")),
                   coalesce(expires_at <= now(), false)
            FROM access_token ORDER BY created_at, id
            """)
    }

    /// A time as whole microseconds since 1970 UTC.
    private static func microseconds(_ column: String) -> SQLFragment {
        "(extract(epoch FROM \(identifier: column)) * 1000000)::bigint"
    }

    /// Revokes a token from now on; a second time changes nothing.
    /// - Returns: false where there is no such token.
    public func revoke(_ id: TokenID) async throws(DatabaseError) -> Bool {
        try await database.execute(
            "UPDATE access_token SET revoked_at = coalesce(revoked_at, now()) WHERE id = \(id.description)") == 1
    }
}

/// One token as `token list` shows it.
public struct TokenRecord: Sendable, Hashable, PostgresRow {
    public enum State: String, Sendable {
        case active
        case expired
        case revoked
    }

    public let id: String
    public let client: String
    public let role: String
    public let createdAt: Timestamp
    public let expiresAt: Timestamp?
    public let revokedAt: Timestamp?
    /// To the minute.
    public let lastUsedAt: Timestamp?
    /// By the database's clock.
    public let state: State

    public init(_ row: inout RowReader) throws(RowError) {
        id = try row.next()
        client = try row.next()
        role = try row.next()
        createdAt = Timestamp(microseconds: try row.next())
        expiresAt = Self.time(try row.next())
        revokedAt = Self.time(try row.next())
        lastUsedAt = Self.time(try row.next())
        let isExpired: Bool = try row.next()
        state = revokedAt != nil ? .revoked : isExpired ? .expired : .active
    }

    private static func time(_ microseconds: Int64?) -> Timestamp? { microseconds.map { Timestamp(microseconds: $0) } }
}
