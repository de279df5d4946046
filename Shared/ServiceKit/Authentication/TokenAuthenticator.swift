import Crypto
public import EventLoop
public import HTTP
public import Postgres

/// Checks `Authorization: Bearer …` (RFC 6750) against the token table.
///
/// Each loop remembers what it read for `freshness`, so that a revocation bites within that time everywhere. When the table
/// cannot be read, the answer is `unavailable`: neither refused nor let in.
public final class TokenAuthenticator: RequestAuthenticator {
    /// How long things are remembered, and how many. Per loop.
    public struct Limits: Sendable {
        public var freshness: Duration = .seconds(3)
        public var tokens = 4096
        public var unknownTokens = 1024
        /// Longest wait for the table.
        public var lookupTimeout: Duration = .seconds(2)

        public init() {}
    }

    public static let defaultPrefix: StaticString = "trv"

    private let database: Database
    private let prefix: StaticString
    private let limits: Limits
    private let caches: PerLoop<TokenCache>

    public init(
        _ database: Database, loops: LoopGroup, prefix: StaticString = TokenAuthenticator.defaultPrefix,
        limits: Limits = Limits()
    ) {
        self.database = database
        self.prefix = prefix
        self.limits = limits
        caches = PerLoop(loops) { _ in TokenCache(capacity: limits.tokens, unknownCapacity: limits.unknownTokens) }
    }

    public func authenticate(_ request: Request) async -> AuthenticationOutcome {
        let credential: (id: TokenID, digest: Digest32)
        switch Self.credential(of: request, prefix: prefix) {
        case .success(let found): credential = found
        case .failure(let refusal): return .refused(refusal)
        }
        guard let cache = caches.current, let loop = Loop.current else {
            return .unavailable(cause: "asked off the event loops")
        }
        switch cache.find(credential.id, at: loop.now) {
        case .entry(let entry): return judge(entry, credential, cache, loop)
        case .unknown: return .refused(.unknown)
        case .nothing: break
        }
        do {
            guard let row = try await lookUp(credential.id, loop) else {
                cache.rememberUnknown(credential.id, until: loop.now + limits.freshness, at: loop.now)
                return .refused(.unknown)
            }
            let entry = entry(from: row, credential.id, at: loop.now)
            cache.remember(credential.id, entry, at: loop.now)
            return judge(entry, credential, cache, loop)
        } catch {
            return .unavailable(cause: FailureText.of(error))
        }
    }

    private func judge(
        _ entry: TokenCache.Entry, _ credential: (id: TokenID, digest: Digest32), _ cache: TokenCache, _ loop: Loop
    ) -> AuthenticationOutcome {
        guard constantTimeEquals(entry.digest, credential.digest) else { return .refused(.unknown) }
        switch entry.state {
        case .revoked: return .refused(.revoked)
        case .expired: return .refused(.expired)
        case .active: break
        }
        if entry.isUseDue {
            cache.useNoted(credential.id)
            loop.spawn { [database] in
                // Best effort: a use that is not noted is noted at the next one.
                _ = try? await database.execute("SELECT access_token_used(\(credential.id.description))", lane: .write)
            }
        }
        return .authenticated(entry.identity)
    }

    private func lookUp(_ id: TokenID, _ loop: Loop) async throws -> TokenRow? {
        let database = self.database
        return try await abandoning(after: limits.lookupTimeout, on: loop) {
            try await database.first(TokenRow.find(id))
        }
    }

    private func entry(from row: TokenRow, _ id: TokenID, at now: MonotonicTime) -> TokenCache.Entry {
        var freshness = limits.freshness
        if let left = row.microsecondsLeft, left > 0 { freshness = min(freshness, .microseconds(left)) }
        let isExpired = row.microsecondsLeft.map { $0 <= 0 } ?? false
        return TokenCache.Entry(
            digest: row.digest, identity: Identity(client: row.client, role: row.role, credentialID: id.description),
            state: row.isRevoked ? .revoked : isExpired ? .expired : .active, freshUntil: now + freshness,
            isUseDue: row.isUseDue)
    }

    /// The token of a request, its secret already hashed.
    static func credential(
        of request: Request, prefix: StaticString
    ) -> Result<(id: TokenID, digest: Digest32), AuthenticationRefusal> {
        switch request.headerCount("Authorization") {
        case 0: return .failure(.missing)
        case 1: break
        default: return .failure(.repeated)
        }
        guard let value = request.headerBytes("Authorization"), value.count > 7, isBearer(value),
            let (id, secret) = AccessToken.parse(UnsafeRawBufferPointer(rebasing: value[7...]), prefix: prefix)
        else { return .failure(.malformed) }
        return .success((id, SHA256.hash(secret)))
    }

    /// `Bearer` in any case and exactly one blank.
    private static func isBearer(_ value: UnsafeRawBufferPointer) -> Bool {
        let scheme: StaticString = "bearer "
        for index in 0..<7 where value[index] | 0x20 != scheme.utf8Start[index] { return false }
        return value[6] == UInt8(ascii: " ")
    }
}

/// What authentication reads of a token.
struct TokenRow: PostgresRow {
    let digest: Digest32
    let client: String
    let role: String
    let isRevoked: Bool
    /// Until it expires, by the database's clock; nil for never.
    let microsecondsLeft: Int64?
    let isUseDue: Bool

    init(_ row: inout RowReader) throws(RowError) {
        let bytes: [UInt8] = try row.next()
        client = try row.next()
        role = try row.next()
        isRevoked = try row.next()
        microsecondsLeft = try row.next()
        isUseDue = try row.next()
        // The table's constraint holds the length; a hash of another length would match nothing.
        digest = Digest32(bytes) ?? SHA256.hash(SecureRandom.bytes(32))
    }

    static func find(_ id: TokenID) -> SQL<TokenRow> {
        """
        SELECT secret_sha256, client, role, revoked_at IS NOT NULL,
               ceil(extract(epoch FROM expires_at - clock_timestamp()) * 1000000)::bigint,
               last_used_at IS NULL OR last_used_at < now() - interval '1 minute'
        FROM access_token WHERE id = \(id.description)
        """
    }
}
