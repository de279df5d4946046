import Postgres
import TestSupport
import Testing

@Suite struct MigratorTests {
    private let first = Migration(1, "tables", "CREATE TABLE a (n int8); CREATE TABLE b (n int8); INSERT INTO a VALUES (1)")
    private let second = Migration(2, "more", "ALTER TABLE a ADD COLUMN m text DEFAULT 'x; y'; -- a comment; here\nINSERT INTO b VALUES (2);")

    @Test("migrations are applied once, in order, by any number of processes at a time") func concurrent() async throws {
        try await withTestDatabase { db async throws in
            let migrator = Migrator(db, migrations: [first, second])
            #expect(try await migrator.status() == .behind([1, 2]))
            let applied = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<6 { group.addTask { try await migrator.migrate().count } }
                return try await group.reduce(0, +)
            }
            #expect(applied == 2)
            #expect(try await migrator.isCurrent())
            #expect(try await db.one("SELECT count(*) FROM a" as SQL<Int>) == 1)
            #expect(try await db.query("SELECT number FROM schema_migration ORDER BY 1" as SQL<Int>) == [1, 2])
            #expect(try await migrator.migrate().isEmpty)
        }
    }

    @Test("a failing migration leaves nothing behind, those before it stay") func failing() async throws {
        try await withTestDatabase { db async throws in
            let broken = Migration(2, "broken", "CREATE TABLE c (n int8); INSERT INTO c VALUES (1); SELECT 1/0; CREATE TABLE d (n int8)")
            let error = await #expect(throws: MigrationError.self) {
                try await Migrator(db, migrations: [first, broken]).migrate()
            }
            guard case .failed(2, "broken", .server(let cause))? = error else {
                Issue.record("\(String(describing: error))")
                return
            }
            #expect(cause.state == SQLState("22012"))
            #expect(try await db.one("SELECT to_regclass('c') IS NULL AND to_regclass('a') IS NOT NULL" as SQL<Bool>))
            #expect(try await Migrator(db, migrations: [first, broken]).status() == .behind([2]))
            #expect(try await Migrator(db, migrations: [first, second]).migrate().map(\.number) == [2])
        }
    }

    @Test("a migration that ends its transaction is refused", arguments: ["COMMIT; CREATE TABLE z (n int8)", "COMMIT; BEGIN", "ROLLBACK"])
    func leaving(sql: String) async throws {
        try await withTestDatabase { db async throws in
            let error = await #expect(throws: MigrationError.self) {
                try await Migrator(db, migrations: [Migration(1, "m", sql)]).migrate()
            }
            #expect(error == .leftTransaction(number: 1, name: "m"))
        }
    }

    @Test("a changed, an unknown and a late migration are refused") func incompatible() async throws {
        try await withTestDatabase { db async throws in
            _ = try await Migrator(db, migrations: [first, second]).migrate()
            let changed = Migration(1, "tables", first.sql + " ")
            for migrations in [[changed, second], [changed, second, Migration(3, "x", "SELECT 1")]] {
                #expect(try await Migrator(db, migrations: migrations).status() == .incompatible(.changed(number: 1, name: "tables")))
                await #expect(throws: MigrationError.changed(number: 1, name: "tables")) {
                    try await Migrator(db, migrations: migrations).migrate()
                }
            }
            await #expect(throws: MigrationError.unknown(number: 2, name: "more")) {
                try await Migrator(db, migrations: [first]).migrate()
            }
        }
        try await withTestDatabase { db async throws in
            _ = try await Migrator(db, migrations: [second].map { Migration(5, $0.name, "SELECT 1") }).migrate()
            await #expect(throws: MigrationError.outOfOrder(number: 3, name: "late")) {
                try await Migrator(db, migrations: [Migration(3, "late", "SELECT 1"), Migration(5, "more", "SELECT 1")]).migrate()
            }
        }
    }
}
