import EventLoop
import Locking
import Postgres
import TestSupport
import Testing

private enum DomainError: Error { case wrapped, refused }

@Suite struct TransactionTests {
    private func withTable<T>(_ body: (Database) async throws -> T) async throws -> T {
        try await withTestDatabase { db async throws in
            try await db.execute("CREATE TABLE t (id int8 PRIMARY KEY, n int8 NOT NULL)")
            try await db.execute("INSERT INTO t VALUES (1, 0), (2, 0)")
            return try await body(db)
        }
    }

    @Test("what a transaction did is there when it returns, and gone when it throws") func commitAndRollback() async throws {
        try await withTable { db async throws in
            let seen = try await db.transaction { transaction in
                try await transaction.execute("UPDATE t SET n = 5 WHERE id = 1")
                return try await transaction.one("SELECT n FROM t WHERE id = 1" as SQL<Int>)
            }
            #expect(seen == 5)
            await #expect(throws: DomainError.refused) {
                try await db.transaction { transaction in
                    try await transaction.execute("UPDATE t SET n = 6 WHERE id = 1")
                    throw DomainError.refused
                }
            }
            #expect(try await db.one("SELECT n FROM t WHERE id = 1" as SQL<Int>) == 5)
            #expect(try await db.transaction { _ in 3 } == 3)
        }
    }

    @Test("a failure that the body swallowed still fails the transaction") func swallowed() async throws {
        try await withTable { db async throws in
            let error = await #expect(throws: DatabaseError.self) {
                try await db.transaction { transaction in
                    try await transaction.execute("UPDATE t SET n = 9")
                    _ = try? await transaction.execute("INSERT INTO t VALUES (1, 1)")
                }
            }
            #expect(error?.uniqueViolation == "t_pkey")
            #expect(try await db.one("SELECT sum(n) FROM t" as SQL<Int>) == 0)
        }
    }

    @Test("serialization failures are run again until all increments are there") func serialization() async throws {
        try await withTable { db async throws in
            let runs = Locked(0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<24 {
                    group.addTask {
                        try await TestLoops.group.loops[index % 2].run {
                            try await db.transaction(.serializable, retry: RetryPolicy(attempts: 1000)) { transaction in
                                runs.withLock { $0 += 1 }
                                do throws(DatabaseError) {
                                    let n = try await transaction.one("SELECT n FROM t WHERE id = 1" as SQL<Int>)
                                    try await transaction.execute("UPDATE t SET n = \(n + 1) WHERE id = 1")
                                } catch {
                                    // A use case's own error does not hide that it may be run again.
                                    throw DomainError.wrapped
                                }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await db.one("SELECT n FROM t WHERE id = 1" as SQL<Int>) == 24)
            #expect(runs.withLock { $0 } == 24 + Int(db.status.transactionRetries))
        }
    }

    @Test("a deadlock is run again") func deadlock() async throws {
        try await withTable { db async throws in
            try await db.execute("ALTER SYSTEM SET deadlock_timeout = '20ms'")
            try await db.execute("SELECT pg_reload_conf()")
            let arrived = Locked(0)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for order in [[1, 2], [2, 1]] {
                    group.addTask {
                        try await db.transaction { transaction in
                            try await transaction.execute("UPDATE t SET n = n + 1 WHERE id = \(order[0])")
                            arrived.withLock { $0 += 1 }
                            // Both hold their first row before either asks for its second.
                            try await eventually("both are here") { arrived.withLock { $0 >= 2 } }
                            try await transaction.execute("UPDATE t SET n = n + 1 WHERE id = \(order[1])")
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(try await db.query("SELECT n FROM t ORDER BY id" as SQL<Int>) == [2, 2])
            #expect(db.status.transactionRetries >= 1)
        }
    }

    @Test("retries end") func retriesEnd() async throws {
        try await withTable { db async throws in
            let runs = Locked(0)
            let error = await #expect(throws: DatabaseError.self) {
                try await db.transaction(retry: RetryPolicy(attempts: 3, delay: .milliseconds(1))) { transaction in
                    runs.withLock { $0 += 1 }
                    try await transaction.execute(
                        "DO $$ BEGIN RAISE EXCEPTION 'again' USING ERRCODE = 'serialization_failure'; END $$")
                }
            }
            #expect(error?.server?.state == .serializationFailure)
            #expect(runs.withLock { $0 } == 3)
        }
    }

    @Test("a constraint checked at COMMIT fails the transaction") func deferred() async throws {
        try await withTable { db async throws in
            try await db.execute("CREATE TABLE child (t int8 REFERENCES t DEFERRABLE INITIALLY DEFERRED)")
            let error = await #expect(throws: DatabaseError.self) {
                try await db.transaction { try await $0.execute("INSERT INTO child VALUES (77)") }
            }
            #expect(error?.foreignKeyViolation == "child_t_fkey")
            #expect(try await db.one("SELECT count(*) FROM child" as SQL<Int>) == 0)
        }
    }

    @Test("isolation levels are those asked for") func levels() async throws {
        try await withTable { db async throws in
            let levels: [(IsolationLevel, String)] = [
                (.readCommitted, "read committed"), (.repeatableRead, "repeatable read"), (.serializable, "serializable"),
                (.readOnlySnapshot, "repeatable read"),
            ]
            for (level, name) in levels {
                let found = try await db.transaction(level) {
                    try await $0.one("SELECT current_setting('transaction_isolation')" as SQL<String>)
                }
                #expect(found == name)
            }
            let error = await #expect(throws: DatabaseError.self) {
                try await db.transaction(.readOnlySnapshot) { try await $0.execute("DELETE FROM t") }
            }
            #expect(error?.server?.state == SQLState("25006"))
        }
    }

    @Test("the body cannot end the transaction by itself") func control() async throws {
        try await withTable { db async throws in
            let error = await #expect(throws: DatabaseError.self) {
                try await db.transaction { transaction in
                    try await transaction.execute("UPDATE t SET n = 1")
                    try await transaction.execute("COMMIT")
                }
            }
            #expect(error == .parameter(.needsSession(keyword: "COMMIT")))
            #expect(try await db.one("SELECT sum(n) FROM t" as SQL<Int>) == 0)
        }
    }

    @Test("a cancelled task's transaction is rolled back and its session serves the next") func cancelled() async throws {
        try await withTestDatabase({ $0.sessions = 1 }) { db async throws in
            try await db.execute("CREATE TABLE t (n int8)")
            try await TestLoops.group.loops[1].run { () async throws in
                let task = Task(executorPreference: TestLoops.group.loops[1]) {
                    try await db.transaction { transaction in
                        try await transaction.execute("INSERT INTO t VALUES (1)")
                        try await transaction.execute("SELECT pg_sleep(600)")
                    }
                }
                try await eventually("it sleeps") {
                    try await db.one("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()" as SQL<Int>) == 1
                }
                task.cancel()
                let result = await task.result
                #expect(throws: DatabaseError.cancelled) { try result.get() }
                #expect(try await db.one("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep' AND datname = current_database()" as SQL<Int>) == 0)
                let count = try await db.transaction { try await $0.one("SELECT count(*) FROM t" as SQL<Int>) }
                #expect(count == 0)
                #expect(db.status.cancels == 1)
                #expect(db.status.connectionsLost == 0)
            }
        }
    }
}
