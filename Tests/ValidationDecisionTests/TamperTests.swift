import EventLoop
import Foundation
import Postgres
import TestSupport
import Testing

extension PromiseTests {
    /// What a superuser does to the log behind PostgreSQL's rules, `audit verify` finds.
    @Suite(.serialized) struct TamperTests {
        private static let count = 12

        /// A change as SQL, and what the command must say about it.
        private struct Tampering {
            let change: String
            let finding: String

            init(_ change: String, _ finding: String) {
                self.change = change
                self.finding = finding
            }

            static func edit(_ column: String, _ value: String, _ finding: String = "record 5: content_digest") -> Tampering {
                Tampering("UPDATE validation_audit SET \(column) = \(value) WHERE sequence = 5", finding)
            }

            static let all = [
                edit("request_id", "gen_random_uuid()"), edit("client_request_id", "'another'"), edit("scenario", "'T2'"),
                edit("scenario", "NULL"), edit("decision", "'ALLOW', reasons = '{}'"),
                edit("reasons", "'{SECRETS_INLINE}'"), edit("reasons", "reasons || '{SECRETS_INLINE}'"),
                edit("recorded_at", "recorded_at + interval '1 microsecond'"), edit("client", "'somebody'"),
                edit("client", "NULL"), edit("endpoint", "'POST /api/v1/validate/replication'"), edit("status", "400"),
                edit("policy_version", "'0'"), edit("change_id", "'CHG-1'"), edit("change_id", "''"),
                edit("input_digest", "sha256('x')"), edit("input_digest", "NULL"),
                edit("content_digest", "sha256('x')"), edit("previous_hash", "sha256('x')", "record 5: previous_hash"),
                edit("record_hash", "sha256('x')", "record 5: record_hash"),
                // Whoever makes record 5 fit again has changed what record 6 stands on.
                edit(
                    "record_hash", "sha256(int8send(5) || previous_hash || sha256('x')), content_digest = sha256('x')",
                    "record 5: content_digest"),
                edit("sequence", "100", "sequence 5 expected, 6 found"),
                Tampering("DELETE FROM validation_audit WHERE sequence = 5", "sequence 5 expected, 6 found"),
                Tampering("DELETE FROM validation_audit WHERE sequence = 1", "sequence 1 expected, 2 found"),
                Tampering("DELETE FROM validation_audit WHERE sequence IN (4, 5, 6)", "sequence 4 expected, 7 found"),
                Tampering(
                    """
                    UPDATE validation_audit SET sequence = -sequence + 1000 WHERE sequence IN (5, 8);
                    UPDATE validation_audit SET sequence = 13 - (1000 - sequence) WHERE sequence > 900
                    """, "record 5: previous_hash"),
                Tampering(
                    """
                    DELETE FROM validation_audit WHERE sequence = 5;
                    UPDATE validation_audit SET sequence = sequence - 1 WHERE sequence > 5
                    """, "record 5: previous_hash"),
                Tampering("DELETE FROM validation_audit WHERE sequence > 9", "the log ends with record 9, before 12"),
            ]
        }

        @Test("an edit of any column, a record deleted and a record moved are found and named", .timeLimit(.minutes(10)))
        func tampered() async throws {
            let service = try await ValidationService.start()
            for number in 0..<TamperTests.count {
                // Record 5 is a BLOCK with a reason.
                let migration = MigrationCase(kind: number == 4 ? 2 : number % 2, number: number)
                _ = try await service.post(
                    "/api/v1/validate/migration", migration.parts, fields: ["X-Request-Id": "client-\(number)"])
            }
            #expect(try await service.run(["audit", "verify"]).output.hasPrefix("intact: 12 records"))
            try await service.database.execute("CREATE TABLE untouched AS SELECT * FROM validation_audit")
            for tampering in Tampering.all {
                let isCut = tampering.finding.hasPrefix("the log ends")
                try await change(service.database, tampering.change)
                let verified = try await service.run(["audit", "verify"] + (isCut ? ["--to", "12"] : []))
                #expect(verified.exit == .exited(code: 1), "\(tampering.change)\n\(verified.output)")
                #expect(verified.output.hasPrefix("broken: \(tampering.finding)"), "\(tampering.change)\n\(verified.output)")
                try await change(
                    service.database,
                    "DELETE FROM validation_audit; INSERT INTO validation_audit SELECT * FROM untouched")
            }
            #expect(try await service.run(["audit", "verify"]).output.hasPrefix("intact: 12 records"))
            try await service.stop()
        }

        @Test("--from and --to walk a part of the log")
        func part() async throws {
            let service = try await ValidationService.start()
            for number in 0..<TamperTests.count {
                _ = try await service.post("/api/v1/validate/migration", MigrationCase(kind: 0, number: number).parts)
            }
            func verify(_ options: String...) async throws -> String {
                let verified = try await service.run(["audit", "verify"] + options)
                return "\(verified.exit == .exited(code: 0) ? "0" : "\(verified.exit)") \(verified.output)"
            }
            #expect(try await verify("--from", "4").hasPrefix("0 intact: 9 records, the last is 12"))
            #expect(try await verify("--to", "4").hasPrefix("0 intact: 4 records, the last is 4"))
            #expect(try await verify("--from", "3", "--to", "4").hasPrefix("0 intact: 2 records, the last is 4"))
            #expect(try await verify("--from", "12", "--to", "12").hasPrefix("0 intact: 1 records, the last is 12"))
            #expect(try await verify("--to", "13").hasPrefix("exited(code: 1) broken: the log ends with record 12, before 13"))
            #expect(try await verify("--from", "14").hasPrefix("exited(code: 1) broken: record 13 is missing"))
            #expect(try await verify("--from", "0").hasPrefix("exited(code: 2)"))
            #expect(try await verify("--from", "5", "--to", "4").hasPrefix("exited(code: 2)"))

            try await change(service.database, "UPDATE validation_audit SET client = 'x' WHERE sequence = 6")
            #expect(try await verify("--to", "5").hasPrefix("0 intact: 5"))
            #expect(try await verify("--from", "7").hasPrefix("0 intact: 6"))
            #expect(try await verify("--from", "6", "--to", "6").hasPrefix("exited(code: 1) broken: record 6"))
            #expect(try await verify("--from", "2").contains("\n4 records before it are intact"))
            try await service.stop()
        }

        /// As a superuser who switches the table's rules off.
        private func change(_ database: Database, _ change: String) async throws {
            try await database.transaction { transaction in
                try await transaction.execute("ALTER TABLE validation_audit DISABLE TRIGGER USER")
                for statement in change.split(separator: ";") { try await transaction.execute(Command(text: String(statement))) }
                try await transaction.execute("ALTER TABLE validation_audit ENABLE ALWAYS TRIGGER append_only")
                try await transaction.execute("ALTER TABLE validation_audit ENABLE ALWAYS TRIGGER chain")
            }
        }
    }
}
