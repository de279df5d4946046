/// Applies the migrations of a service, forward only, each in a transaction, under an advisory lock.
public struct Migrator: Sendable {
    public let database: Database
    public let migrations: [Migration]

    /// - Precondition: numbers are positive, ascending and distinct.
    public init(_ database: Database, migrations: [Migration]) {
        precondition(migrations.allSatisfy { $0.number > 0 }, "migrations are numbered from 1")
        precondition(zip(migrations, migrations.dropFirst()).allSatisfy { $0.number < $1.number }, "not in order")
        self.database = database
        self.migrations = migrations
    }

    /// Applies what is missing and returns it. Waits while another process does the same.
    public func migrate() async throws(MigrationError) -> [Migration] { [] }

    /// What is missing, in order.
    public func pending() async throws(MigrationError) -> [Migration] { [] }

    /// For readiness: one read, no lock.
    public func status() async throws(DatabaseError) -> SchemaStatus { .current }

    /// Whether the schema is the one this executable was built for.
    public func isCurrent() async throws(DatabaseError) -> Bool { try await status() == .current }
}
