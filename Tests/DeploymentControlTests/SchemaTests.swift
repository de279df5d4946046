import DeploymentControlDomain
import Encoding
import Postgres
import ServiceKit
import TestSupport
import Testing

@testable import DeploymentControl

/// What PostgreSQL itself refuses, whatever the program does.
@Suite struct SchemaTests {
    private static func withSchema(_ body: (Database) async throws -> Void) async throws {
        try await withTestDatabase { database in
            _ = try await Migrator(database, migrations: DeploymentControlService.definition.migrations).migrate()
            try await body(database)
        }
    }

    /// A row that has just come to a state, by whatever way.
    private static func insert(_ state: DeploymentState, _ id: UUID, in database: Database) async throws {
        let accepted: SQLFragment = state == .pending ? "NULL, NULL, NULL" : "replace(\(id.description), '-', ''), 'http://deck', now()"
        let finished: SQLFragment = state.holdsLock ? "NULL" : "now()"
        let rolledBack: SQLFragment = state == .rolledBack ? "now()" : "NULL"
        try await database.execute(
            """
            INSERT INTO deployment (id, client, role, request_id, service, environment, version, change_summary, state, kind,
                application, pipeline, claim_scope, claim_owner, quota, quota_day, next_poll_at,
                execution_id, execution_url, accepted_at, finished_at, rolled_back_at)
            VALUES (\(id), 'c', 'deployer', 'r', 's', 'sandbox', '1.0.0', 'x', \(state.rawValue), 'ROLL_FORWARD', 'a', 'p',
                '', gen_random_uuid(), 'deployments', now()::date, now(), \(accepted), \(finished), \(rolledBack))
            """)
    }

    private static func move(_ id: UUID, to state: DeploymentState, in database: Database) async throws {
        let terminal = state.isTerminal
        let rolledBack = state == .rolledBack
        try await database.execute(
            """
            UPDATE deployment SET state = \(state.rawValue),
                execution_id = coalesce(execution_id, replace(id::text, '-', '')), execution_url = coalesce(execution_url, 'u'),
                accepted_at = coalesce(accepted_at, now()), finished_at = CASE WHEN \(terminal) THEN now() END,
                rolled_back_at = CASE WHEN \(rolledBack) THEN now() END
            WHERE id = \(id)
            """)
    }

    @Test("the schema allows exactly the transitions of the state machine")
    func transitions() async throws {
        try await Self.withSchema { database in
            for from in DeploymentState.allCases {
                for to in DeploymentState.allCases where from != to {
                    let id = UUID.random()
                    try await Self.insert(from, id, in: database)
                    let isAllowed = DeploymentState.transitions[from]?.values.contains(to) ?? false
                    var refused = false
                    do {
                        try await Self.move(id, to: to, in: database)
                    } catch let error as DatabaseError {
                        refused = error.server?.state == .checkViolation
                        #expect(refused, "\(error)")
                    }
                    #expect(refused == !isAllowed, "\(from) to \(to)")
                    try await database.execute("TRUNCATE deployment CASCADE")
                }
            }
        }
    }

    @Test("at most one deployment is in flight, and only a reservation is removed")
    func lock() async throws {
        try await Self.withSchema { database in
            for state in [DeploymentState.pending, .active] {
                try await Self.insert(state, UUID.random(), in: database)
                for other in [DeploymentState.pending, .active] {
                    let error = await #expect(throws: DatabaseError.self) {
                        try await Self.insert(other, UUID.random(), in: database)
                    }
                    #expect(error?.uniqueViolation == "deployment_global_lock")
                }
                for ended in [DeploymentState.succeeded, .failed, .rolledBack] {
                    try await Self.insert(ended, UUID.random(), in: database)
                }
                if state == .pending {
                    #expect(try await database.execute("DELETE FROM deployment WHERE state = 'PENDING'") == 1)
                }
                for state in ["ACTIVE", "SUCCEEDED", "FAILED", "ROLLED_BACK"] {
                    let count = try await database.one(
                        "SELECT count(*)::bigint FROM deployment WHERE state = \(state)" as SQL<Int>)
                    guard count > 0 else { continue }
                    await #expect(throws: DatabaseError.self) {
                        try await database.execute("DELETE FROM deployment WHERE state = \(state)")
                    }
                }
                try await database.execute("TRUNCATE deployment CASCADE")
            }
        }
    }

    @Test("what a record is does not change once it has an execution")
    func frozen() async throws {
        try await Self.withSchema { database in
            let id = UUID.random()
            try await Self.insert(.succeeded, id, in: database)
            for change: SQLFragment in [
                "version = '2.0.0'", "service = 'other'", "environment = 'production'", "change_summary = 'y'",
                "execution_id = 'z'", "execution_url = 'z'",
            ] {
                await #expect(throws: DatabaseError.self) {
                    try await database.execute("UPDATE deployment SET \(change) WHERE id = \(id)")
                }
            }
        }
    }
}
