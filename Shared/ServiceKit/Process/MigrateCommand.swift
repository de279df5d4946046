import Postgres

/// `migrate`: applies what is missing and gives the serving role exactly the declared rights.
struct MigrateCommand: Sendable {
    private let migrations: [Migration]
    private let grants: [Grant]

    init(_ migrations: [Migration], _ grants: [Grant]) {
        self.migrations = migrations
        self.grants = grants
    }

    func run(_ configuration: Configuration, _ console: Console) async throws -> ExitCode {
        let serving = DatabaseRole.named(in: configuration[CommonVariables.databaseURL])
        let owner = configuration[CommonVariables.databaseOwnerURL].flatMap(DatabaseRole.named)
        return try await Tool.run(configuration, as: .owner) { tool in
            let applied: [Migration]
            do throws(MigrationError) {
                applied = try await Migrator(tool.database, migrations: migrations).migrate()
            } catch {
                throw CommandFailure(Self.text(of: error))
            }
            for migration in applied { console.line("applied \(migration.number) \(migration.name)") }
            if applied.isEmpty { console.line("the schema is current") }
            guard let serving, let owner, serving != owner else { return .success }
            try await GrantRights(grants, to: serving)(tool.database)
            console.line("the role \(LogEscape.visible(serving)) has its rights")
            return .success
        }
    }

    private static func text(of error: MigrationError) -> String {
        switch error {
        case .changed(let number, let name):
            "migration \(number) (\(name)) was applied in another form than this executable has"
        case .unknown(let number, let name):
            "the database has migration \(number) (\(name)), which this executable does not know: use the newer release"
        case .outOfOrder(let number, let name):
            "migration \(number) (\(name)) was never applied, but a later one was"
        case .failed(let number, let name, let cause): "migration \(number) (\(name)) failed: \(cause)"
        case .leftTransaction(let number, let name): "migration \(number) (\(name)) ended its transaction"
        case .database(let cause): "\(cause)"
        }
    }
}

/// Gives a role exactly the declared rights, in one transaction: a service that runs meanwhile notices nothing.
struct GrantRights: Sendable {
    private let grants: [Grant]
    private let role: String
    /// One number for all services: databases are their own, and the work is short.
    private static let lock = AdvisoryLock(key: 0x7472_6976_6574_6772)

    init(_ grants: [Grant], to role: String) {
        self.grants = grants
        self.role = role
    }

    func callAsFunction(_ database: Database) async throws {
        let quoted = "\"" + role.split(separator: "\"", omittingEmptySubsequences: false).joined(separator: "\"\"") + "\""
        do {
            try await database.transaction { transaction in
                try await transaction.lock(Self.lock)
                let schema = try await transaction.one("SELECT quote_ident(current_schema())" as SQL<String>)
                var statements = [
                    "REVOKE ALL ON ALL TABLES IN SCHEMA \(schema) FROM \(quoted)",
                    "REVOKE ALL ON ALL SEQUENCES IN SCHEMA \(schema) FROM \(quoted)",
                    "REVOKE ALL ON ALL ROUTINES IN SCHEMA \(schema) FROM \(quoted)",
                    "GRANT USAGE ON SCHEMA \(schema) TO \(quoted)",
                ]
                statements += ([Migrator.grant] + grants).map { $0.statement(to: quoted) }
                for statement in statements { try await transaction.execute(Command(text: statement)) }
            }
        } catch let error as DatabaseError {
            if error.server?.state == SQLState("42704") {
                throw CommandFailure(
                    "the role \(LogEscape.visible(role)) of \(CommonVariables.databaseURL.name) does not exist: create it first")
            }
            throw error
        }
    }
}

extension Migrator {
    /// What a serving role needs to see whether the schema is current.
    static var grant: Grant { .table("schema_migration", [.select]) }
}
