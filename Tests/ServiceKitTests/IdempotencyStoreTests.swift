import Crypto
import HTTP
import Postgres
import TestSupport
import Testing

@testable import ServiceKit

@Suite(.serialized) struct IdempotencyStoreTests {
    private struct Refused: Error {}

    private func withStore(
        _ store: IdempotencyStore = IdempotencyStore(), _ body: (IdempotencyStore, Database) async throws -> Void
    ) async throws {
        try await withTestDatabase { database in
            let migrations = [Migration(1, "keys", IdempotencySchema.sql), Migration(2, "effects", "CREATE TABLE effect (n int);")]
            _ = try await Migrator(database, migrations: migrations).migrate()
            try await body(store, database)
        }
    }

    private func request(_ key: String = "k", client: String = "c", path: String = "/x", body: String = "b") throws -> IdempotentRequest {
        IdempotentRequest(
            client: client, method: "POST", path: path, key: try IdempotencyKey(fieldValues: [key]), bodyDigest: SHA256.hash(body))
    }

    private let answer = StoredResponse(
        status: 201, fields: ["Content-Type": "application/json", "Location": "/x/1"], body: Array("{\"id\": 1}\n".utf8))

    private func effects(_ database: Database) async throws -> Int {
        try await database.one("SELECT count(*) FROM effect" as SQL<Int>)
    }

    private func run(_ store: IdempotencyStore, _ request: IdempotentRequest, _ database: Database) async throws -> IdempotencyOutcome {
        try await store.once(request, on: database) { transaction in
            try await transaction.execute("INSERT INTO effect VALUES (1)")
            return answer
        }
    }

    @Test("a repetition gets the first answer, byte for byte, and has no effect")
    func replay() async throws {
        try await withStore { (store, database) async throws in
            #expect(try await run(store, request(), database) == .performed(answer))
            #expect(try await run(store, request(), database) == .replayed(answer))
            #expect(try await effects(database) == 1)
        }
    }

    @Test("the same key with another body is a conflict; for another client or path it is another key")
    func scope() async throws {
        try await withStore { store, database in
            _ = try await run(store, request(), database)
            #expect(try await run(store, request(body: "other"), database) == .conflict)
            #expect(try await run(store, request(client: "d"), database) == .performed(answer))
            #expect(try await run(store, request(path: "/y" + String(repeating: "z", count: 8000)), database) == .performed(answer))
            #expect(try await effects(database) == 3)
        }
    }

    @Test("what fails is not remembered")
    func failure() async throws {
        try await withStore { (store, database) async throws in
            await #expect(throws: Refused.self) {
                _ = try await store.once(request(), on: database) { transaction in
                    try await transaction.execute("INSERT INTO effect VALUES (1)")
                    throw Refused()
                }
            }
            #expect(try await effects(database) == 0)
            #expect(try await run(store, request(body: "corrected"), database) == .performed(answer))
        }
    }

    @Test("of many calls at once one has its effect; the others are told to wait, or replayed", arguments: 0..<3)
    func race(round: Int) async throws {
        try await withStore { store, database in
            let outcomes = try await withThrowingTaskGroup(of: IdempotencyOutcome.self) { group in
                for _ in 0..<20 {
                    group.addTask { try await TestLoops.run { try await run(store, request(), database) } }
                }
                return try await group.reduce(into: [IdempotencyOutcome]()) { $0.append($1) }
            }
            #expect(outcomes.count { $0 == .performed(answer) } == 1)
            #expect(outcomes.allSatisfy { $0 != .conflict })
            #expect(try await effects(database) == 1)
        }
    }

    @Test("a second call does not wait for the transaction of the first")
    func noWaiting() async throws {
        try await withStore { store, database in
            let outcome = try await store.once(request(), on: database) { (_) async throws in
                #expect(try await run(store, request(), database) == .inProgress)
                return answer
            }
            #expect(outcome == .performed(answer))
        }
    }

    @Test("a claim before a call to another system is finished with the outcome, released, or held")
    func twoSteps() async throws {
        try await withStore(IdempotencyStore(takeover: .zero)) { store, database in
            guard case .owned(let claim) = try await store.claim(request(), on: database) else { return #expect(Bool(false)) }
            #expect(try await store.claim(request(body: "other"), on: database) == .conflict)
            try await store.hold(claim, on: database)
            #expect(try await store.claim(request(), on: database) == .inProgress, "a held claim is not taken over")
            try await database.transaction { try await store.finish(claim, with: answer, in: $0) }
            #expect(try await store.claim(request(), on: database) == .finished(answer))

            guard case .owned(let second) = try await store.claim(request("k2"), on: database) else { return #expect(Bool(false)) }
            try await store.release(second, on: database)
            guard case .owned = try await store.claim(request("k2", body: "other"), on: database) else { return #expect(Bool(false)) }
        }
    }

    @Test("a claim whose process died is taken over, and the dead one's answer then counts for nothing")
    func takeover() async throws {
        try await withStore(IdempotencyStore(takeover: .zero)) { store, database in
            guard case .owned(let first) = try await store.claim(request(), on: database) else { return #expect(Bool(false)) }
            guard case .owned(let second) = try await store.claim(request(), on: database) else { return #expect(Bool(false)) }
            await #expect(throws: IdempotencyError.claimLost) {
                try await database.transaction { try await store.finish(first, with: answer, in: $0) }
            }
            try await store.release(first, on: database)
            try await database.transaction { try await store.finish(second, with: answer, in: $0) }
            #expect(try await store.claim(request(), on: database) == .finished(answer))
        }
        try await withStore { store, database in
            _ = try await store.claim(request(), on: database)
            #expect(try await store.claim(request(), on: database) == .inProgress)
        }
    }

    @Test("past its window a key is free again, and is cleaned away")
    func window() async throws {
        try await withStore { store, database in
            _ = try await run(store, request(), database)
            try await database.execute("UPDATE idempotency_key SET claimed_at = claimed_at - interval '1 day', expires_at = expires_at - interval '1 day'")
            #expect(try await run(store, request(body: "new"), database) == .performed(answer))
            #expect(try await effects(database) == 2)
            #expect(try await store.removeExpired(on: database) == 0)
            try await database.execute("UPDATE idempotency_key SET claimed_at = claimed_at - interval '1 day', expires_at = expires_at - interval '1 day'")
            #expect(try await store.removeExpired(on: database) == 1)
        }
    }
}
