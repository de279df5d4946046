/// Applies the migrations of a service, forward only, each in a transaction, under an advisory lock.
///
/// What has been applied stands in the table `schema_migration`, which everyone may read.
public struct Migrator: Sendable {
    public let database: Database
    public let migrations: [Migration]
    private static let lock = AdvisoryLock("trivet.schema_migration")

    /// - Precondition: numbers are positive, ascending and distinct.
    public init(_ database: Database, migrations: [Migration]) {
        precondition(migrations.allSatisfy { $0.number > 0 }, "migrations are numbered from 1")
        precondition(zip(migrations, migrations.dropFirst()).allSatisfy { $0.number < $1.number }, "not in order")
        self.database = database
        self.migrations = migrations
    }

    /// Applies what is missing and returns it. Waits while another process does the same.
    public func migrate() async throws(MigrationError) -> [Migration] {
        try await withMigrationErrors { () async throws -> [Migration] in
            // A migration takes the time it needs.
            try await database.withSession(statementTimeout: .zero) { session in
                try await session.lock(Migrator.lock)
                try await session.script(Migrator.table)
                let missing = try compare(try await session.query(Migrator.applied))
                for migration in missing { try await apply(migration, session) }
                return missing
            }
        }
    }

    /// What is missing, in order.
    public func pending() async throws(MigrationError) -> [Migration] {
        try await withMigrationErrors { () async throws -> [Migration] in
            try compare(try await readApplied())
        }
    }

    /// For readiness: one or two reads, no lock.
    public func status() async throws(DatabaseError) -> SchemaStatus {
        do throws(MigrationError) {
            let missing = try await pending()
            return missing.isEmpty ? .current : .behind(missing.map(\.number))
        } catch .database(let error) {
            throw error
        } catch {
            return .incompatible(error)
        }
    }

    /// Whether the schema is the one this executable was built for.
    public func isCurrent() async throws(DatabaseError) -> Bool { try await status() == .current }

    // MARK: Steps

    private static let table = """
        CREATE TABLE IF NOT EXISTS schema_migration (
            number integer PRIMARY KEY CHECK (number > 0),
            name text NOT NULL,
            checksum text NOT NULL,
            applied_at timestamptz NOT NULL DEFAULT now());
        GRANT SELECT ON schema_migration TO PUBLIC;
        """

    private struct Applied: PostgresRow {
        let number: Int
        let name: String
        let checksum: String

        init(_ row: inout RowReader) throws(RowError) {
            number = try row.next()
            name = try row.next()
            checksum = try row.next()
        }
    }

    private static let applied: SQL<Applied> = "SELECT number, name, checksum FROM schema_migration ORDER BY number"

    private func readApplied() async throws(DatabaseError) -> [Applied] {
        do {
            return try await database.query(Migrator.applied)
        } catch {
            // A fresh database.
            if error.server?.state == .undefinedTable { return [] }
            throw error
        }
    }

    /// Returns what is missing.
    private func compare(_ applied: [Applied]) throws(MigrationError) -> [Migration] {
        var known: [Int: Migration] = [:]
        for migration in migrations { known[migration.number] = migration }
        for row in applied {
            guard let migration = known.removeValue(forKey: row.number) else {
                throw .unknown(number: row.number, name: row.name)
            }
            if migration.checksum != row.checksum { throw .changed(number: row.number, name: row.name) }
        }
        let missing = migrations.filter { known[$0.number] != nil }
        if let last = applied.last, let first = missing.first, first.number < last.number {
            throw .outOfOrder(number: first.number, name: first.name)
        }
        return missing
    }

    /// The record is written first: a script that ends the transaction is found out by its absence from the open one.
    private func apply(_ migration: Migration, _ session: Session) async throws {
        let number = migration.number, name = migration.name
        do throws(DatabaseError) {
            try await session.execute("BEGIN")
            let before = try await session.one("SELECT pg_current_xact_id()" as SQL<Int>)
            try await session.execute(
                """
                INSERT INTO schema_migration (number, name, checksum)
                VALUES (\(Int32(clamping: number)), \(name), \(migration.checksum))
                """)
            try await session.script(migration.sql)
            let after = try await session.one("SELECT pg_current_xact_id()" as SQL<Int>)
            if before == after {
                try await session.execute("COMMIT")
                return
            }
        } catch {
            throw MigrationError.failed(number: number, name: name, error)
        }
        throw MigrationError.leftTransaction(number: number, name: name)
    }

    private func withMigrationErrors<T>(_ body: () async throws -> T) async throws(MigrationError) -> T {
        do {
            return try await body()
        } catch let error as MigrationError {
            throw error
        } catch let error as DatabaseError {
            throw .database(error)
        } catch {
            throw .database(.cancelled)
        }
    }
}
