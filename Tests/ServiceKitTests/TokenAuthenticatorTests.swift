import Crypto
import EventLoop
import HTTP
import Postgres
import TestSupport
import Testing

@testable import ServiceKit

@Suite(.serialized) struct TokenAuthenticatorTests {
    /// A server whose one route tells who asks.
    private func withService(
        freshness: Duration = .seconds(3), _ body: (SocketAddress, TokenStore, Database) async throws -> Void
    ) async throws {
        try await withTestDatabase { database in
            _ = try await Migrator(database, migrations: [Migration(1, "tokens", TokenSchema.sql)]).migrate()
            var limits = TokenAuthenticator.Limits()
            limits.freshness = freshness
            let envelope = FixtureEnvelope()
            let responder = try ServiceResponder<FixtureRole>(
                routes: [
                    Route(.get, "/who", "who", needs: .write, statuses: [200]) { _, context in
                        Response(.ok, text: context.identity.map { "\($0.client) \($0.role) \($0.credentialID)" } ?? "")
                    }
                ],
                authenticator: TokenAuthenticator(database, loops: TestLoops.group, limits: limits), envelope: envelope,
                loops: TestLoops.group,
                logger: Logger(level: .error, format: .json, sink: LogSink(descriptor: 2), loops: TestLoops.group),
                metrics: Metrics(loops: TestLoops.group))
            let server = HTTPServer(
                configuration: HTTPServerConfiguration(listener: .address(try SocketAddress(parsing: "127.0.0.1:0"))),
                loops: TestLoops.group, responder: responder)
            try server.start()
            let address = try #require(server.boundAddress)
            do {
                try await body(address, TokenStore(database), database)
            } catch {
                await server.drain(grace: .zero)
                throw error
            }
            await server.drain(grace: .zero)
        }
    }

    private func ask(_ address: SocketAddress, _ authorization: String?) async throws -> TestResponse {
        try await TestClient.exchange(
            address, "GET", "/who", fields: authorization.map { ["Authorization": $0] } ?? [:])
    }

    @Test("a token lets its client in, whatever the case of the scheme")
    func accepted() async throws {
        try await withService { address, store, _ in
            let token = try await store.create(client: "ci", role: "writer", lifetime: .seconds(3600))
            for scheme in ["Bearer", "bearer", "BEARER"] {
                let response = try await ask(address, "\(scheme) \(token.text.reveal())")
                #expect(response.status == 200 && response.text == "ci writer \(token.id)")
            }
        }
    }

    @Test("a token is trv_, its id, and 43 characters of 256 random bits; only the hash is stored")
    func form() async throws {
        try await withService { _, store, database in
            let token = try await store.create(client: "ci", role: "writer", lifetime: nil)
            let text = token.text.reveal()
            #expect(text.utf8.count == 60 && text.hasPrefix("trv_\(token.id)_"))
            #expect("\(token)".contains("[redacted]") && !"\(token)".contains(text.suffix(43)))
            let row = try await database.one("SELECT secret_sha256, access_token::text FROM access_token" as SQL<Columns<[UInt8], String>>)
            #expect(row.values.0 == SHA256.hash(String(text.suffix(43))).bytes)
            #expect(!row.values.1.contains(text.suffix(43)))
        }
    }

    @Test("whatever is wrong with a credential, the answer is the same 401")
    func refused() async throws {
        try await withService { address, store, _ in
            let token = try await store.create(client: "ci", role: "writer", lifetime: nil)
            let text = token.text.reveal()
            let other = AccessToken.make(prefix: "trv").text.reveal()
            let wrongSecret = "trv_\(token.id)_" + String(repeating: "A", count: 43)
            let cases: [String?] = [
                nil, "", "Bearer", "Bearer ", "Bearer  \(text)", "Basic \(text)", "Bearer \(text)x", "Bearer \(text.dropLast())",
                "Bearer \(other)", "Bearer \(wrongSecret)", "Bearer \(text.uppercased())", "Bearer trv_zzzzzzzzzzzz_\(text.suffix(43))",
                "Bearer \(text), Bearer \(text)", text,
            ]
            for authorization in cases {
                let response = try await ask(address, authorization)
                #expect(response.status == 401 && response.text == "{\"verdict\":\"BLOCK\"}", "\(authorization ?? "none")")
                #expect(response.field("WWW-Authenticate") == "Bearer")
            }
            let twice = try await TestLoops.run {
                let client = try await TestClient.connect(to: address)
                defer { client.close() }
                try await client.send(Array("GET /who HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer \(text)\r\nAuthorization: Bearer \(text)\r\n\r\n".utf8))
                return try await client.receive()
            }
            #expect(twice.status == 401)
        }
    }

    @Test("a role that lacks the permission, or that nobody knows, is forbidden", arguments: ["reader", "emperor"])
    func forbidden(role: String) async throws {
        try await withService { address, store, _ in
            let token = try await store.create(client: "ci", role: role, lifetime: nil)
            #expect(try await ask(address, "Bearer \(token.text.reveal())").status == 403)
        }
    }

    @Test("a revocation bites once what is remembered is stale")
    func revoked() async throws {
        try await withService(freshness: .zero) { address, store, _ in
            let token = try await store.create(client: "ci", role: "writer", lifetime: nil)
            #expect(try await ask(address, "Bearer \(token.text.reveal())").status == 200)
            #expect(try await store.revoke(token.id))
            #expect(try await store.revoke(token.id))
            #expect(try await ask(address, "Bearer \(token.text.reveal())").status == 401)
            #expect(try await store.list().map(\.state) == [.revoked])
            let unknown = try #require(TokenID("0123456789ab"))
            #expect(try await !store.revoke(unknown))
        }
    }

    @Test("within its freshness a token is not read again")
    func remembered() async throws {
        try await withService(freshness: .seconds(600)) { address, store, database in
            let token = try await store.create(client: "ci", role: "writer", lifetime: nil)
            // Both loops get to know it.
            for _ in 0..<20 { #expect(try await ask(address, "Bearer \(token.text.reveal())").status == 200) }
            try await database.execute("ALTER TABLE access_token RENAME TO gone")
            let known = try await ask(address, "Bearer \(token.text.reveal())").status
            #expect(known == 200 || known == 503)
            let unknown = AccessToken.make(prefix: "trv").text.reveal()
            #expect(try await ask(address, "Bearer \(unknown)").status == 503, "what cannot be known is neither 401 nor 200")
        }
    }

    @Test("an expired token is refused")
    func expired() async throws {
        try await withService(freshness: .zero) { address, store, database in
            let token = try await store.create(client: "ci", role: "writer", lifetime: .seconds(100))
            #expect(try await ask(address, "Bearer \(token.text.reveal())").status == 200)
            try await database.execute("UPDATE access_token SET created_at = now() - interval '9 days', expires_at = now() - interval '1 second'")
            #expect(try await ask(address, "Bearer \(token.text.reveal())").status == 401)
            #expect(try await store.list().map(\.state) == [.expired])
        }
    }

    @Test("the use of a token is noted, at most once a minute")
    func lastUsed() async throws {
        try await withService(freshness: .zero) { address, store, database in
            let token = try await store.create(client: "ci", role: "writer", lifetime: nil)
            #expect(try await ask(address, "Bearer \(token.text.reveal())").status == 200)
            while try await store.list().first?.lastUsedAt == nil { await Task.yield() }
            let first = try await store.list().first?.lastUsedAt
            try await database.execute("SELECT access_token_used(\(token.id.description))")
            #expect(try await store.list().first?.lastUsedAt == first)
        }
    }

    @Test("a cache stays within its bounds, and the unknown do not displace the known")
    func bounded() {
        let cache = TokenCache(capacity: 4, unknownCapacity: 4)
        let now = MonotonicTime(nanoseconds: 1_000)
        func entry(until nanoseconds: UInt64) -> TokenCache.Entry {
            TokenCache.Entry(
                digest: SHA256.hash("x"), identity: Identity(client: "c", role: "r"), state: .active,
                freshUntil: MonotonicTime(nanoseconds: nanoseconds), isUseDue: false)
        }
        cache.remember(TokenID(number: 1), entry(until: 2_000), at: now)
        for number in 100..<200 {
            cache.rememberUnknown(TokenID(number: UInt64(number)), until: MonotonicTime(nanoseconds: 2_000), at: now)
        }
        #expect(cache.counts.unknown <= 4 && cache.counts.known == 1)
        for number in 2..<100 { cache.remember(TokenID(number: UInt64(number)), entry(until: 900), at: now) }
        #expect(cache.counts.known <= 4)
        if case .entry = cache.find(TokenID(number: 1), at: now) {} else { #expect(Bool(false), "stale entries go first") }
        if case .nothing = cache.find(TokenID(number: 1), at: MonotonicTime(nanoseconds: 2_000)) {} else { #expect(Bool(false)) }
    }
}
