import Encoding
import EventLoop
import Foundation
import Postgres
import TestSupport
import Testing

extension PromiseTests {
    /// The audit log can be added to and read, and a change by someone who is stronger than PostgreSQL's rules is found.
    @Suite(.serialized) struct AuditLogTests {
        @Test("neither the serving role nor the owner nor a superuser changes, deletes or truncates records")
        func appendOnly() async throws {
            let service = try await ValidationService.start()
            try await decide(service, 3)
            let statements: [Command] = [
                "UPDATE validation_audit SET decision = 'ALLOW'", "UPDATE validation_audit SET client = client WHERE false",
                "DELETE FROM validation_audit", "DELETE FROM validation_audit WHERE sequence = 2",
                "TRUNCATE validation_audit", "TRUNCATE validation_audit CASCADE",
            ]
            let urls = [
                service.environment["TRIVET_DATABASE_URL"], service.environment["TRIVET_DATABASE_OWNER_URL"],
                service.database.configuration.url,
            ]
            for url in urls {
                try await withDatabase(try #require(url)) { database in
                    for statement in statements {
                        await #expect(throws: DatabaseError.self, "\(statement.text)") { try await database.execute(statement) }
                    }
                }
            }
            // Replication switches ordinary triggers off, not these.
            try await service.database.withSession { session in
                try await session.execute("SET session_replication_role = replica")
                for statement in statements {
                    await #expect(throws: DatabaseError.self, "\(statement.text)") { try await session.execute(statement) }
                }
            }
            try await withDatabase(try #require(urls[0])) { database in
                let forbidden: [Command] = [
                    "ALTER TABLE validation_audit DISABLE TRIGGER append_only", "DROP TABLE validation_audit",
                    "DROP TRIGGER append_only ON validation_audit",
                    "CREATE OR REPLACE FUNCTION validation_audit_refuse() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NEW; END'",
                ]
                for statement in forbidden {
                    await #expect(throws: DatabaseError.self, "\(statement.text)") { try await database.execute(statement) }
                }
            }
            #expect(try await service.database.one("SELECT count(*) FROM validation_audit" as SQL<Int>) == 3)
            #expect(try await service.run(["audit", "verify"]).exit.isSuccess)
            try await service.stop()
        }

        @Test("who inserts cannot choose the place or the hashes of a record")
        func insertedPlace() async throws {
            let service = try await ValidationService.start()
            try await decide(service, 2)
            try await withDatabase(try #require(service.environment["TRIVET_DATABASE_URL"])) { database in
                try await database.execute(
                    """
                    INSERT INTO validation_audit (sequence, request_id, decision, reasons, recorded_at, endpoint, status,
                        policy_version, content_digest, previous_hash, record_hash)
                    SELECT 900, gen_random_uuid(), 'ALLOW', '{}', now(), 'POST /api/v1/validate/migration', 200, '1',
                        sha256('x'), sha256('y'), sha256('z')
                    """)
            }
            #expect(try await service.database.one("SELECT max(sequence) FROM validation_audit" as SQL<Int64>) == 3)
            // It stands in the chain, but its content is not what its digest says.
            let verified = try await service.run(["audit", "verify"])
            #expect(verified.exit == .exited(code: 1))
            #expect(verified.output.contains("record 3: content_digest"), "\(verified.output)")
            try await service.stop()
        }

        @Test("concurrent decisions share commits", .timeLimit(.minutes(5)))
        func groups() async throws {
            let service = try await ValidationService.start()
            let address = service.address
            let load = DecisionLoad(token: service.validatorToken) { address }
            load.start(clients: 64, seed: TestSize.seed(of: "groups"))
            await load.decided(1500)
            let outcome = await load.stop()
            #expect(outcome.wrong == [] && outcome.failed == 0 && outcome.broken == 0)
            let commits = try await service.database.one(
                "SELECT count(DISTINCT xmin::text) FROM validation_audit" as SQL<Int>)
            let comparison = try await LogComparison(outcome.told, service.database)
            print("64 clients: \(comparison.records) records in \(commits) commits")
            #expect(comparison.problems == [] && comparison.untold == 0)
            #expect(commits < comparison.records)
            #expect(try await service.run(["audit", "verify"]).exit.isSuccess)
            try await service.stop()
        }

        @Test("paging through filters meets every record once, whatever is added meanwhile", .timeLimit(.minutes(5)))
        func paging() async throws {
            let service = try await ValidationService.start()
            let address = service.address
            let load = DecisionLoad(token: service.validatorToken) { address }
            load.start(clients: 4, seed: TestSize.seed(of: "paging"))
            await load.decided(250)
            for (query, condition) in [
                ("limit=100", "true"), ("limit=17", "true"), ("decision=ALLOW&limit=10", "decision = 'ALLOW'"),
                ("decision=BLOCK&limit=33", "decision = 'BLOCK'"), ("scenario=T1&limit=1000", "scenario = 'T1'"),
                ("scenario=T2", "scenario = 'T2'"), ("reason=TLS_DISABLED_PROD&limit=7", "'TLS_DISABLED_PROD' = ANY (reasons)"),
                ("client=\(ValidationService.pipeline)&limit=50", "client = '\(ValidationService.pipeline)'"),
                ("client=nobody", "false"), ("decision=BLOCK&reason=PARSE_ERROR&limit=9", "'PARSE_ERROR' = ANY (reasons)"),
            ] {
                let newest = try await service.database.one("SELECT max(sequence) FROM validation_audit" as SQL<Int64>)
                let read = try await pages(service, "\(query)&before=\(newest + 1)")
                let expected = try await service.database.query(
                    SQL<Int64>(text: "SELECT sequence FROM validation_audit WHERE \(condition) AND sequence <= \(newest) ORDER BY sequence DESC"))
                #expect(read == expected, "\(query)")
            }
            #expect(await load.stop().wrong == [])
            try await service.stop()
        }

        // MARK: Helpers

        /// Follows `Link` to the end.
        private func pages(_ service: ValidationService, _ query: String) async throws -> [Int64] {
            var read: [Int64] = []
            var target: String? = "/api/v1/audit/logs?\(query)"
            while let page = target {
                let response = try await service.send("GET", page, token: service.auditorToken)
                try #require(response.status == 200, "\(response.text)")
                let records = try #require(try JSONReader.parse(response.body).array)
                read += records.compactMap { $0["sequence"]?.int.map(Int64.init) }
                target = response.field("link").map { $0.drop { $0 != "/" }.prefix { $0 != ">" } }.map(String.init)
            }
            return read
        }

        private func decide(_ service: ValidationService, _ count: Int) async throws {
            for number in 0..<count {
                let migration = MigrationCase(kind: number % MigrationCase.kinds, number: number)
                _ = try await service.post("/api/v1/validate/migration", migration.parts)
            }
        }

        private func withDatabase(_ url: String, _ body: (Database) async throws -> Void) async throws {
            let database = Database(DatabaseConfiguration(url: url), loops: TestLoops.group)
            database.start()
            do { try await body(database) } catch {
                await database.close(grace: .seconds(1))
                throw error
            }
            await database.close(grace: .seconds(1))
        }
    }
}
