import Encoding
import HTTP
import Postgres
import TestSupport
import Testing

@testable import ServiceKit

@Suite(.serialized) struct LimitTests {
    private func withLimits(_ body: (Database) async throws -> Void) async throws {
        try await withTestDatabase { database in
            let migrations = [Migration(1, "limits", RateLimiter.schema + DailyQuota.schema)]
            _ = try await Migrator(database, migrations: migrations).migrate()
            try await body(database)
        }
    }

    @Test("a client is refused past its limit until its window ends; buckets and clients are apart")
    func window() async throws {
        try await withLimits { database in
            let limiter = RateLimiter(database)
            let mutate = RateLimit(bucket: "mutate", limit: 2)
            #expect(try await limiter.count("a", mutate).remaining == 1)
            #expect(try await limiter.count("a", mutate).remaining == 0)
            for _ in 0..<3 {
                let refused = try await limiter.count("a", mutate)
                #expect(!refused.isAllowed && refused.used == 2 && refused.remaining == 0)
            }
            #expect(try await limiter.count("b", mutate).isAllowed)
            #expect(try await limiter.count("a", RateLimit(bucket: "read", limit: 2)).isAllowed)
            try await database.execute("UPDATE rate_window SET started_at = started_at - interval '60 seconds'")
            let fresh = try await limiter.count("a", mutate)
            #expect(fresh.isAllowed && fresh.used == 1)
        }
    }

    @Test("a window is anchored at its first request, not moved by later or refused ones")
    func anchor() async throws {
        try await withLimits { database in
            let limit = RateLimit(bucket: "read", limit: 1)
            let first = try await RateLimiter(database).count("a", limit)
            let second = try await RateLimiter(database).count("a", limit)
            #expect(first.resetAt == second.resetAt)
            #expect((1...60).contains(second.resetSeconds))
        }
    }

    @Test("a limit of zero refuses all, a raised one lets in again")
    func zero() async throws {
        try await withLimits { database in
            let limiter = RateLimiter(database)
            #expect(try await !limiter.count("a", RateLimit(bucket: "x", limit: 0)).isAllowed)
            for _ in 0..<5 { _ = try await limiter.count("a", RateLimit(bucket: "x", limit: 2)) }
            #expect(try await limiter.count("a", RateLimit(bucket: "x", limit: 10)).isAllowed)
        }
    }

    @Test("what many instances count at once is never above the limit")
    func concurrent() async throws {
        try await withLimits { database in
            let limit = RateLimit(bucket: "read", limit: 10)
            let allowed = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<40 {
                    group.addTask { try await TestLoops.run { try await RateLimiter(database).count("a", limit).isAllowed } }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(allowed == 10)
        }
    }

    @Test("the client is told its limit, what remains and when to come back")
    func fields() async throws {
        try await withLimits { database in
            let limit = RateLimit(bucket: "mutate", limit: 1)
            var fields = HTTPFields()
            let allowed = try await RateLimiter(database).count("a", limit)
            allowed.describe(in: &fields)
            #expect(fields.first("RateLimit-Policy") == "\"mutate\";q=1;w=60")
            #expect(fields.first("RateLimit") == "\"mutate\";r=0;t=60")
            #expect(fields.first("Retry-After") == nil)
            let refused = try await RateLimiter(database).count("a", limit)
            refused.describe(in: &fields)
            #expect(fields.first("Retry-After") == "\(refused.resetSeconds)")
        }
    }

    @Test("a quota is used up unit by unit, and what rolls back was never used")
    func quota() async throws {
        try await withLimits { database in
            let quota = DailyQuota("deployments", limit: 2)
            func consume() async throws -> QuotaUnit? {
                try await database.transaction { try await quota.consume("a", in: $0) }
            }
            let unit = try #require(try await consume())
            struct Undo: Error {}
            await #expect(throws: Undo.self) {
                try await database.transaction { transaction in
                    _ = try await quota.consume("a", in: transaction)
                    throw Undo()
                }
            }
            #expect(try await quota.check("a", on: database).used == 1)
            #expect(try await consume() != nil)
            #expect(try await consume() == nil)
            let state = try await quota.check("a", on: database)
            #expect(state.isExhausted && (1...86_400).contains(state.resetSeconds))
            #expect(state.resetAt.microseconds % 86_400_000_000 == 0)
            try await DailyQuota.giveBack(unit, on: database)
            #expect(try await consume() != nil)
            #expect(try await database.transaction { try await DailyQuota("none", limit: 0).consume("a", in: $0) } == nil)
            #expect(try await database.transaction { try await DailyQuota("rollbacks", limit: 1).consume("a", in: $0) } != nil)
        }
    }

    @Test("of many reservations at once no more succeed than the quota has units")
    func quotaRace() async throws {
        try await withLimits { database in
            let quota = DailyQuota("deployments", limit: 5)
            let taken = try await withThrowingTaskGroup(of: Bool.self) { group in
                for _ in 0..<20 {
                    group.addTask {
                        try await TestLoops.run {
                            try await database.transaction { try await quota.consume("a", in: $0) } != nil
                        }
                    }
                }
                return try await group.reduce(0) { $0 + ($1 ? 1 : 0) }
            }
            #expect(taken == 5)
        }
    }
}
