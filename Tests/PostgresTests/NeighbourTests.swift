import EventLoop
import Postgres
import TestSupport
import Testing

/// Statements of different callers on shared connections.
@Suite struct NeighbourTests {
    @Test("thousands of statements at once: each commits for itself, a failed one touches no other", arguments: [1, 2] as [UInt64])
    func isolation(seed: UInt64) async throws {
        try await withTestDatabase { db async throws in
            try await db.execute("CREATE TABLE t (id int8 PRIMARY KEY, transaction xid8 DEFAULT pg_current_xact_id())")
            let count = 4000
            var random = SeededRandom(seed)
            // Every third one or so fails: at parsing, at running, or at its commit.
            let plans = (0..<count).map { _ in Int.random(in: 0..<9, using: &random) }
            try await db.execute(
                """
                CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$
                BEGIN IF NEW.id < 0 THEN RAISE EXCEPTION 'refused at commit'; END IF; RETURN NULL; END $$
                """)
            try await db.execute(
                """
                CREATE CONSTRAINT TRIGGER late AFTER INSERT ON t DEFERRABLE INITIALLY DEFERRED
                FOR EACH ROW EXECUTE FUNCTION refuse()
                """)
            let succeeded = try await withThrowingTaskGroup(of: Int.self) { group in
                for half in 0..<2 {
                    group.addTask {
                        try await TestLoops.group.loops[half].run {
                            try await withThrowingTaskGroup(of: Int.self) { group in
                                for index in stride(from: half, to: count, by: 2) {
                                    group.addTask { try await insert(index, plans[index], db) }
                                }
                                return try await group.reduce(0, +)
                            }
                        }
                    }
                }
                return try await group.reduce(0, +)
            }
            #expect(succeeded == plans.count { $0 > 3 }, "seed \(seed)")
            #expect(try await db.one("SELECT count(*) FROM t" as SQL<Int>) == succeeded, "seed \(seed)")
            #expect(
                try await db.one("SELECT count(DISTINCT transaction) FROM t" as SQL<Int>) == succeeded, "seed \(seed)")
            let status = db.status
            #expect(status.pipelinesUp <= 10)
        }
    }

    /// Returns 1 when the row must be there afterwards.
    private func insert(_ index: Int, _ plan: Int, _ db: Database) async throws -> Int {
        do {
            switch plan {
            case 0: try await db.execute("INSERT INTO t (id) SELECT \(index) / 0")
            case 1: try await db.execute("INSERT INTO nowhere (id) VALUES (\(index))")
            case 2: try await db.execute("INSERT INTO t (id) VALUES (\(-index - 1))")
            case 3: try await db.execute("INSERT INTO t (id) VALUES (\(index)), (\(index))")
            default:
                try await db.execute("INSERT INTO t (id) VALUES (\(index))")
                return 1
            }
            Issue.record("plan \(plan) should have failed")
        } catch {
            let expected = ["22012", "42P01", "P0001", "23505"]
            #expect(plan < 4 && error.server?.state.code == expected[min(plan, 3)], "\(error)")
        }
        return 0
    }

    @Test("a group commits together or not at all") func groups() async throws {
        try await withTestDatabase { db async throws in
            try await db.execute("CREATE TABLE t (id int8 PRIMARY KEY, transaction xid8 DEFAULT pg_current_xact_id())")
            let outcomes = try await db.group([
                "INSERT INTO t (id) VALUES (\(1))", "INSERT INTO t (id) VALUES (\(2)), (\(3))", "DELETE FROM t WHERE id = \(1)",
            ])
            #expect(outcomes.map(\.affectedRows) == [1, 2, 1])
            #expect(try await db.one("SELECT count(DISTINCT transaction) FROM t" as SQL<Int>) == 1)
            let error = await #expect(throws: DatabaseError.self) {
                try await db.group(["INSERT INTO t (id) VALUES (\(10))", "INSERT INTO t (id) VALUES (\(2))", "SELECT 1"])
            }
            #expect(error?.uniqueViolation == "t_pkey")
            #expect(try await db.query("SELECT id FROM t ORDER BY id" as SQL<Int>) == [2, 3])
            #expect(try await db.group([]).isEmpty)
        }
    }

    @Test("reads pass while writes wait for a lock") func lanes() async throws {
        try await withTestDatabase { db async throws in
            try await db.execute("CREATE TABLE t (id int8 PRIMARY KEY, n int8)")
            try await db.execute("INSERT INTO t VALUES (1, 0)")
            try await TestLoops.group.loops[0].run {
                let writing = try await db.transaction { transaction in
                    try await transaction.execute("UPDATE t SET n = 1 WHERE id = 1")
                    let writing = Task(executorPreference: TestLoops.group.loops[0]) {
                        try await withThrowingTaskGroup(of: Void.self) { group in
                            for _ in 0..<20 { group.addTask { try await db.execute("UPDATE t SET n = n + 1 WHERE id = 1") } }
                            try await group.waitForAll()
                        }
                    }
                    let blocked = "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
                    try await eventually("the writes wait for the row") {
                        try await db.one(SQL<Int>(text: blocked)) > 0
                    }
                    #expect(try await db.one("SELECT n FROM t" as SQL<Int>) == 0)
                    return writing
                }
                try await writing.value
            }
            #expect(try await db.one("SELECT n FROM t" as SQL<Int>) == 21)
        }
    }

    @Test("statements of many texts keep the server's memory of them bounded") func cache() async throws {
        try await withTestDatabase({
            $0.preparedStatements = 16
            $0.readPipelines = 1
        }) { db async throws in
            try await TestLoops.run { () async throws in
                for number in 0..<200 {
                    #expect(try await db.one(SQL<Int>(text: "SELECT \(number)")) == number)
                }
                let kept = try await db.one("SELECT count(*) FROM pg_prepared_statements" as SQL<Int>)
                #expect(kept > 0 && kept <= 17)
                // Texts used often stay.
                for number in 190..<200 { #expect(try await db.one(SQL<Int>(text: "SELECT \(number)")) == number) }
            }
        }
    }

    @Test("a change of the schema does not fail statements that were prepared before it") func plans() async throws {
        try await withTestDatabase { db async throws in
            try await db.execute("CREATE TABLE t (a int8)")
            try await db.execute("INSERT INTO t VALUES (1)")
            try await TestLoops.run { () async throws in
                struct Row: PostgresRow {
                    let a: Int
                    init(_ row: inout RowReader) throws(RowError) {
                        a = try row.column("a")
                    }
                }
                let sql: SQL<Row> = "SELECT * FROM t"
                #expect(try await db.one(sql).a == 1)
                try await db.execute("ALTER TABLE t ADD COLUMN b text")
                #expect(try await db.one(sql).a == 1)
                try await db.transaction { transaction in
                    let row = try await transaction.one(sql)
                    #expect(row.a == 1)
                }
                try await db.execute("ALTER TABLE t ADD COLUMN c text")
                // All at once: every one of them is sent again.
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for _ in 0..<50 {
                        group.addTask {
                            let row = try await db.one(sql)
                            #expect(row.a == 1)
                        }
                    }
                    try await group.waitForAll()
                }
                try await db.transaction { transaction in
                    let row = try await transaction.one(sql)
                    #expect(row.a == 1)
                }
            }
        }
    }

    @Test("a value of another type under the same text is no confusion") func typesOfOneText() async throws {
        try await withTestDatabase { db async throws in
            try await TestLoops.run { () async throws in
                for _ in 0..<3 {
                    #expect(try await db.one("SELECT pg_typeof(\(1))::text" as SQL<String>) == "bigint")
                    #expect(try await db.one("SELECT pg_typeof(\(true))::text" as SQL<String>) == "boolean")
                }
            }
        }
    }

    @Test("transaction control and COPY cannot reach neighbours") func refused() async throws {
        try await withTestDatabase { db async throws in
            for text in ["BEGIN", "COMMIT", "SET work_mem = '1MB'", "COPY pg_class TO STDOUT"] {
                let error = await #expect(throws: DatabaseError.self) { try await db.execute(Command(text: text)) }
                guard case .parameter(.needsSession)? = error else {
                    Issue.record("\(text): \(String(describing: error))")
                    continue
                }
            }
        }
    }
}
