import Postgres
import TestSupport
import Testing

@testable import ServiceKit

@Suite(.serialized) struct AuditTrailTests {
    private let event = AuditEvent(
        requestID: "r", actor: "a", role: "admin", action: "KILL_SWITCH", targetType: "system", targetID: "1",
        outcome: .success, summary: "It's off.", detail: JSONText(#"{"old": true}"#))

    private func withTrail(_ body: (Database) async throws -> Void) async throws {
        try await withTestDatabase { database in
            _ = try await Migrator(database, migrations: [Migration(1, "audit", AuditTrail.schema)]).migrate()
            try await body(database)
        }
    }

    private func count(_ database: Database) async throws -> Int {
        try await database.one("SELECT count(*) FROM audit_event" as SQL<Int>)
    }

    @Test("an event stands or falls with the transaction it tells of")
    func transaction() async throws {
        try await withTrail { database in
            struct Undo: Error {}
            await #expect(throws: Undo.self) {
                try await database.transaction { transaction in
                    try await AuditTrail.append(event, in: transaction)
                    throw Undo()
                }
            }
            #expect(try await count(database) == 0)
            try await database.transaction { try await AuditTrail.append(event, in: $0) }
            try await AuditTrail.append(event, in: database)
            #expect(try await count(database) == 2)
            #expect(try await database.one("SELECT detail->>'old' FROM audit_event ORDER BY id LIMIT 1" as SQL<String>) == "true")
        }
    }

    @Test(
        "nobody changes an event, not even the table's owner or a superuser past ordinary triggers",
        arguments: [
            "UPDATE audit_event SET actor = 'x'", "DELETE FROM audit_event", "TRUNCATE audit_event",
            "UPDATE audit_event SET actor = 'x' WHERE false",
            "INSERT INTO audit_event OVERRIDING SYSTEM VALUE SELECT * FROM audit_event ON CONFLICT (id) DO UPDATE SET actor = 'x'",
        ], [false, true])
    func appendOnly(statement: String, asReplica: Bool) async throws {
        try await withTrail { database in
            try await AuditTrail.append(event, in: database)
            let error = await #expect(throws: DatabaseError.self) {
                try await database.withSession { session in
                    if asReplica { try await session.execute("SET session_replication_role = replica") }
                    try await session.execute(Command(text: statement))
                }
            }
            #expect(error?.server?.state == .insufficientPrivilege)
            #expect(error?.server?.message == "audit_event is append-only")
            #expect(try await count(database) == 1)
        }
    }
}
