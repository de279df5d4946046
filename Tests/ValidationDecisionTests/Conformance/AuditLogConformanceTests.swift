import Encoding
import EventLoop
import Foundation
import Postgres
import TestSupport
import Testing

/// Section 7 of the reference: reading the audit log.
@Suite(.serialized) struct AuditLogConformanceTests {
    let target: Conformance
    let seeded: Seeded

    /// A service of this suite's own with known records in its log.
    struct Seeded: Sendable {
        let target: Conformance
        /// Newest first, as the log must show them.
        let verdicts: [Verdict]
        /// Read once, whole.
        let records: [JSONValue]
    }

    static let seeding: Task<Seeded, any Error> = Task {
        let service = try await ValidationService.start(["TRIVET_POLICY_VERSION": "2031.7-test"])
        let target = Conformance(service: service, address: service.address)
        var verdicts: [Verdict] = []
        for _ in 0..<3 { verdicts.append(try await target.migrate(Conformance.config())) }
        verdicts.append(try await target.migrate(Array(Conformance.config().utf8), hash: "abc"))
        verdicts.append(try await target.migrate(env: "qa", Conformance.config(tls: "tls: {}")))
        verdicts.append(try await target.migrate("- no mapping\n"))
        verdicts.append(
            try await target.replicate([
                ReplicationConformanceTests.goodManifest, ReplicationConformanceTests.snapshotPart(),
            ]))
        verdicts.append(try await target.replicate([]))
        try service.putObject(Array("the snapshot".utf8), bucket: "conformance", key: "snapshot")
        verdicts.append(try await target.refer(ReferenceConformanceTests.manifest("change_id: CHG-1\n")))
        verdicts.append(
            try await target.refer(
                ReferenceConformanceTests.manifest(uri: "s3://conformance/none", "change_id: CHG-2\n")))
        verdicts.append(try await target.send("POST", Page.reference, [:], [], token: "nobody"))
        verdicts.append(try await target.send("PUT", Page.migration))
        verdicts.append(try await target.send("POST", "/api/v1/validate/nothing"))
        verdicts.append(try await target.send("POST", Page.migration, [:], [], token: service.auditorToken))
        return Seeded(target: target, verdicts: verdicts.reversed(), records: try await service.auditRecords())
    }

    init() async throws {
        seeded = try await AuditLogConformanceTests.seeding.value
        target = seeded.target
    }

    // MARK: Records

    @Test("one record for each request, newest first, and reading leaves none")
    func newestFirst() async throws {
        #expect(seeded.records.compactMap { $0["request_id"]?.string } == seeded.verdicts.map(\.requestID))
        for (record, verdict) in zip(seeded.records, seeded.verdicts) {
            #expect(record["decision"]?.string == verdict.decision)
            #expect(record["reasons"]?.array?.compactMap(\.string) == verdict.codes)
            #expect(record["scenario"]?.string == verdict.json["scenario"]?.string)
        }
        let sequences = seeded.records.compactMap { $0["sequence"]?.int }
        #expect(sequences.count == seeded.records.count && zip(sequences, sequences.dropFirst()).allSatisfy(>))
        #expect(try await target.service.auditRecords().count == seeded.records.count)
    }

    @Test("a record has the fields of the page")
    func fields() throws {
        for record in seeded.records {
            let shown = Comment(rawValue: "\(record)")
            let object = try #require(record.object, shown)
            for key in [
                "request_id", "decision", "reasons", "timestamp", "sequence", "endpoint", "policy_version",
                "previous_hash", "record_hash",
            ] {
                #expect(object[key] != nil, "\(key) of \(shown)")
            }
            #expect(record["timestamp"]?.string.map(Page.isTimestamp) == true, shown)
            #expect(record["record_hash"]?.string.map(Page.isDigest) == true, shown)
            #expect(record["policy_version"]?.string == "2031.7-test", shown)
            #expect(["T1", "T2", nil].contains(record["scenario"]?.string), shown)
        }
        #expect(seeded.records.compactMap { $0["change_id"]?.string } == ["CHG-2", "CHG-1"])
    }

    @Test("each record carries the hash of the one before")
    func chain() {
        for (record, before) in zip(seeded.records, seeded.records.dropFirst()) {
            #expect(record["previous_hash"]?.string == before["record_hash"]?.string)
        }
        #expect(Set(seeded.records.compactMap { $0["record_hash"]?.string }).count == seeded.records.count)
    }

    @Test("the same artifacts have the same input_digest, others another")
    func inputDigest() {
        let digests = seeded.records.reversed().prefix(3).compactMap { $0["input_digest"]?.string }
        #expect(digests.count == 3 && digests.allSatisfy(Page.isDigest))
        #expect(Set(digests).count == 1)
        let upload = seeded.records.reversed().dropFirst(6).first?["input_digest"]?.string
        #expect(upload != nil && upload != digests.first)
    }

    // MARK: Filters

    private func ids(_ query: String) async throws -> [String] {
        try await target.service.auditRecords(query).compactMap { $0["request_id"]?.string }
    }

    private func expected(_ holds: (JSONValue) -> Bool) -> [String] {
        seeded.records.filter(holds).compactMap { $0["request_id"]?.string }
    }

    @Test("decision, scenario, reason, client and request_id filter")
    func filters() async throws {
        for decision in ["ALLOW", "BLOCK"] {
            #expect(try await ids("decision=\(decision)") == expected { $0["decision"]?.string == decision })
            for scenario in ["T1", "T2"] {
                let both = expected { $0["decision"]?.string == decision && $0["scenario"]?.string == scenario }
                #expect(!both.isEmpty)
                #expect(try await ids("decision=\(decision)&scenario=\(scenario)") == both)
                #expect(try await ids("limit=1&scenario=\(scenario)&decision=\(decision)") == Array(both.prefix(1)))
            }
        }
        for scenario in ["T1", "T2"] {
            #expect(try await ids("scenario=\(scenario)") == expected { $0["scenario"]?.string == scenario })
        }
        for reason in [
            "CONFIG_HASH_MISMATCH", "UNKNOWN_ENV", "TLS_DISABLED_PROD", "AUTH_FAILED", "SCHEMA_INVALID",
            "ARTIFACT_FETCH_FAILED", "INTERNAL_ERROR",
        ] {
            #expect(
                try await ids("reason=\(reason)")
                    == expected { $0["reasons"]?.array?.contains(.string(reason)) == true }, "\(reason)")
        }
        for client in [ValidationService.pipeline, ValidationService.reviewer] {
            #expect(try await ids("client=\(client)") == expected { $0["client"]?.string == client })
        }
        #expect(try await ids("client=nobody") == [])
        for verdict in seeded.verdicts {
            #expect(try await ids("request_id=\(verdict.requestID)") == [verdict.requestID])
        }
        #expect(try await ids("request_id=550e8400-e29b-41d4-a716-446655440000") == [])
    }

    @Test("since and until filter by time")
    func times() async throws {
        let all = seeded.verdicts.map(\.requestID)
        #expect(try await ids("since=2000-01-01T00:00:00Z") == all)
        #expect(try await ids("until=2000-01-01T00:00:00Z") == [])
        #expect(try await ids("since=2100-01-01T00:00:00Z") == [])
        #expect(try await ids("until=2100-01-01T00:00:00Z&since=2000-01-01T00:00:00Z") == all)
        let middle = try #require(seeded.records[5]["timestamp"]?.string)
        let since = try await ids("since=\(middle)")
        let until = try await ids("until=\(middle)")
        // Whether the limits belong to the range is not said.
        #expect(since == Array(all.prefix(since.count)) && [5, 6].contains(since.count))
        #expect(until == Array(all.suffix(until.count)) && [all.count - 6, all.count - 5].contains(until.count))
    }

    @Test(
        "a value that is none is 400 BLOCK SCHEMA_INVALID without a scenario",
        arguments: [
            "limit=0", "limit=1001", "limit=-1", "limit=abc", "limit=", "limit=1.5", "limit=1e2", "limit=0x10",
            "limit=99999999999999999999999", "limit=%2010", "decision=allow",
            "decision=MAYBE", "decision=", "decision=ALLOW,BLOCK", "decision=ALLOW%00", "scenario=T3", "scenario=t1",
            "scenario=", "scenario=T1%20", "before=abc", "before=1.5",
            "since=yesterday", "until=2026-13-01T00:00:00Z", "since=2026-01-01", "decision=%ff",
        ])
    func badValues(_ query: String) async throws {
        let response = try await target.service.send("GET", "\(Page.log)?\(query)", token: target.service.auditorToken)
        let verdict = try Verdict(response, scenario: nil)
        verdict.expect(400, ["SCHEMA_INVALID"], query)
    }

    @Test(
        "a request_id or a reason that cannot be is no record or 400",
        arguments: ["request_id=x", "reason=NONE", "request_id="])
    func impossible(_ query: String) async throws {
        let response = try await target.service.send("GET", "\(Page.log)?\(query)", token: target.service.auditorToken)
        if response.status == 200 {
            #expect(try JSONReader.parse(response.body).array?.isEmpty == true)
        } else {
            try Verdict(response, scenario: nil).expect(400, ["SCHEMA_INVALID"], query)
        }
    }

    // MARK: Paging

    private func next(_ response: TestResponse) throws -> String? {
        guard let link = response.field("link") else { return nil }
        let match = try #require(link.wholeMatch(of: /<(.*)>; *rel="?next"?/), "\(link)")
        // An origin may stand before it.
        return String(match.1).range(of: Page.log).map { String(String(match.1)[$0.lowerBound...]) }
    }

    @Test(
        "Link leads through the log, filters and all, and ends", arguments: [1, 2, 3, 5, 14, 15, 1000],
        ["", "&decision=BLOCK", "&scenario=T2&decision=ALLOW", "&reason=SCHEMA_INVALID"])
    func pages(_ limit: Int, _ filter: String) async throws {
        let all = try await ids("limit=1000\(filter)")
        var (found, path): ([String], String?) = ([], "\(Page.log)?limit=\(limit)\(filter)")
        var pages = 0
        while let target = path, pages <= all.count {
            let response = try await self.target.service.send("GET", target, token: self.target.service.auditorToken)
            try #require(response.status == 200, "\(target): \(response.text)")
            let records = try #require(try JSONReader.parse(response.body).array)
            #expect(records.count <= limit)
            found += records.compactMap { $0["request_id"]?.string }
            path = try next(response)
            #expect(path == nil || records.count == limit)
            pages += 1
        }
        #expect(path == nil)
        #expect(found == all)
    }

    @Test("before pages by sequence")
    func before() async throws {
        for index in [0, 4, seeded.records.count - 1] {
            let sequence = try #require(seeded.records[index]["sequence"]?.int)
            #expect(try await ids("before=\(sequence)") == Array(seeded.verdicts.map(\.requestID)[(index + 1)...]))
        }
    }

    @Test("without a limit there are 100 records at most")
    func defaultLimit() async throws {
        let busy = try await ValidationService.start()
        let target = Conformance(service: busy, address: busy.address)
        // Sent side by side, so that records are committed in groups.
        try await withThrowingTaskGroup(of: Int.self) { group in
            for _ in 0..<120 {
                group.addTask { try await TestClient.exchange(target.address, "POST", Page.reference).status }
            }
            for try await status in group { #expect(status == 401) }
        }
        #expect(try await busy.auditRecords("").count == 100)
        let all = try await busy.auditRecords()
        #expect(all.count == 120)
        for (record, before) in zip(all, all.dropFirst()) {
            #expect(record["previous_hash"]?.string == before["record_hash"]?.string)
        }
        let verified = try await busy.run(["audit", "verify"])
        #expect(verified.exit.isSuccess, "\(verified)")
        try await busy.stop()
    }
}

/// Section 7 of the reference: records that nobody changes unseen.
@Suite(.serialized) struct AuditChainConformanceTests {
    @Test("the database refuses changes, and audit verify finds those that a superuser forces")
    func appendOnly() async throws {
        let service = try await ValidationService.start()
        let target = Conformance(service: service, address: service.address)
        for _ in 0..<5 { try await target.migrate(Conformance.config()).expect(200, []) }
        let database = service.database
        let name = service.objectRoot.lastPathComponent
        let table = try #require(
            try await database.first(
                SQL<String>(
                    text: """
                        SELECT c.oid::regclass::text FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                        WHERE c.relkind IN ('r', 'p') AND n.nspname NOT LIKE 'pg_%' AND n.nspname <> 'information_schema'
                        AND EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = c.oid AND a.attname = 'record_hash')
                        """)), "no table with record_hash")

        // The role that serves has INSERT and SELECT only.
        for privilege in ["INSERT", "SELECT", "UPDATE", "DELETE", "TRUNCATE", "TRIGGER", "REFERENCES"] {
            let may = try await database.first(
                SQL<String>(text: "SELECT has_table_privilege('\(name)_server', '\(table)', '\(privilege)')::text"))
            #expect(may == (["INSERT", "SELECT"].contains(privilege) ? "true" : "false"), "\(privilege)")
        }
        // A trigger refuses the rest even to the owner.
        for role in ["\(name)_owner", "CURRENT_USER"] {
            for change in [
                "UPDATE \(table) SET record_hash = record_hash", "DELETE FROM \(table)", "TRUNCATE \(table)",
            ] {
                await #expect(throws: DatabaseError.self, "\(role): \(change)") {
                    try await database.withSession { session in
                        if role != "CURRENT_USER" { try await session.execute(Command(text: "SET ROLE \(role)")) }
                        try await session.execute(Command(text: change))
                    }
                }
            }
        }
        #expect(try await service.auditRecords().count == 5)
        let intact = try await service.run(["audit", "verify"])
        #expect(intact.exit.isSuccess, "\(intact)")

        // A superuser takes one out of the middle.
        let sequence = try #require(try await service.auditRecords()[2]["sequence"]?.int)
        try await database.transaction { transaction in
            try await transaction.execute(Command(text: "ALTER TABLE \(table) DISABLE TRIGGER ALL"))
            try await transaction.execute(Command(text: "DELETE FROM \(table) WHERE sequence = \(sequence)"))
            try await transaction.execute(Command(text: "ALTER TABLE \(table) ENABLE TRIGGER ALL"))
        }
        let broken = try await service.run(["audit", "verify"])
        #expect(!broken.exit.isSuccess)
        #expect(
            (broken.output + broken.error).contains("\(sequence)")
                || (broken.output + broken.error).contains("\(sequence + 1)"), "\(broken)")
        let before = try await service.run(["audit", "verify", "--to", "\(sequence - 1)"])
        #expect(before.exit.isSuccess, "\(before)")
        let after = try await service.run(["audit", "verify", "--from", "\(sequence + 1)"])
        #expect(after.exit == .exited(code: 0) || after.exit == .exited(code: 1), "\(after)")
        try await service.stop()
    }
}
