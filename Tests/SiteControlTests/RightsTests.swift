import Encoding
import Postgres
import TestSupport
import Testing

/// What the serving role may do, beyond what triggers refuse to everyone.
@Suite struct RightsTests {
    @Test("the serving role owns nothing, empties nothing, and changes only what moves")
    func rights() async throws {
        try await PanelService.run { panel in
            let role = try #require(panel.roles.last)
            let owned = try await panel.database.one(
                "SELECT count(*) FROM pg_class WHERE relowner = \(role)::text::regrole" as SQL<Int64>)
            #expect(owned == 0)
            let emptied = try await panel.database.query(
                """
                SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
                    AND has_table_privilege(\(role), oid, 'TRUNCATE, REFERENCES, TRIGGER')
                """ as SQL<String>)
            #expect(emptied.isEmpty)
            let deleted = try await panel.database.query(
                """
                SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace
                    AND has_table_privilege(\(role), oid, 'DELETE') ORDER BY 1
                """ as SQL<String>)
            #expect(Set(deleted).isDisjoint(with: ["sites", "environments", "releases", "backups", "drift_checks", "jobs", "audit_logs", "users", "nodes"]))
            func mayUpdate(_ table: String, _ column: String) async throws -> Bool {
                try await panel.database.one("SELECT has_column_privilege(\(role), \(table), \(column), 'UPDATE')" as SQL<Bool>)
            }
            for (table, column) in [
                ("sites", "slug"), ("environments", "preview_url"), ("environments", "node_id"), ("releases", "path"),
                ("backups", "storage_path"), ("domains", "hostname"), ("jobs", "payload_json"), ("jobs", "max_attempts"),
                ("audit_logs", "actor"), ("users", "password_hash"), ("nodes", "hostname"),
            ] {
                #expect(try await !mayUpdate(table, column), "\(table).\(column)")
            }
            #expect(try await mayUpdate("jobs", "status"))
            #expect(try await mayUpdate("audit_logs", "result"))
        }
    }
}
