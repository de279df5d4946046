import Testing

@testable import ValidationDecisionDomain

@Suite struct ManifestTests {
    private func paths(_ body: () throws(SchemaProblems) -> Void) -> [String]? {
        do throws(SchemaProblems) {
            try body()
            return nil
        } catch {
            return error.problems.map(\.path)
        }
    }

    private func migration(_ document: DocumentValue) -> [String]? {
        paths { () throws(SchemaProblems) in _ = try MigrationManifest(document) }
    }

    private func replication(_ document: DocumentValue) -> [String]? {
        paths { () throws(SchemaProblems) in _ = try ReplicationManifest(document) }
    }

    private func reference(_ document: DocumentValue, _ format: DocumentFormat = .yaml) -> [String]? {
        paths { () throws(SchemaProblems) in _ = try ReferenceManifest(document, format: format) }
    }

    @Test("each required field of a migration manifest is missed, and must be a string that is not blank", arguments: [
        "app_id", "env", "version", "config_sha256",
    ])
    func migrationFields(field: String) {
        #expect(migration(Good.migration) == nil)
        let wrong: [DocumentValue?] = [nil, .null, "", "  ", 5, .float("1.5"), true, [], map([:])]
        for value in wrong {
            #expect(migration(Good.migration.setting(field, value)) == [field], "\(String(describing: value))")
        }
    }

    @Test("all problems of a manifest are named at once")
    func allProblems() {
        #expect(migration(map(["env": 5, "extra": 1])) == ["app_id", "env", "version", "config_sha256"])
        #expect(replication(map(["App_id": "x"]))?.count == 4)
        let broken = map(["env": [], "snapshot": map(["uri": 1, "sha": "x"]), "wal": map([:]), "walx": 1])
        #expect(
            reference(broken, .json) == [
                "app_id", "env", "snapshot.uri", "snapshot.sha256", "snapshot.sha", "wal.uri", "wal.sha256", "sync_mode",
                "walx",
            ])
    }

    @Test("further fields of a migration or replication manifest are ignored")
    func furtherFields() {
        #expect(migration(Good.migration.setting("x", [1])) == nil)
        #expect(replication(Good.replication.setting("x", [1])) == nil)
    }

    @Test("a document that is no mapping is malformed")
    func noMapping() {
        for document in [.null, "x", 5, [], true] as [DocumentValue] {
            #expect(migration(document) == [""])
            #expect(replication(document) == [""])
            #expect(reference(document) == [""])
        }
    }

    @Test("a plain YAML scalar counts as its text, a null or collection does not", arguments: [
        "source_db", "target_db", "expected_snapshot_hash", "sync_mode",
    ])
    func replicationFields(field: String) throws {
        for value in [5, true, .float("1e5"), .integer("007")] as [DocumentValue] {
            #expect(replication(Good.replication.setting(field, value)) == nil)
        }
        for value in [nil, .null, "", " ", [], map([:])] as [DocumentValue?] {
            #expect(replication(Good.replication.setting(field, value)) == [field])
        }
    }

    @Test("an unquoted hash of digits keeps its text")
    func digitsHash() throws {
        let digits = String(repeating: "0", count: 10) + String(repeating: "12", count: 27)
        for value in [DocumentValue.integer(digits), .float(digits)] {
            let manifest = try ReplicationManifest(Good.replication.setting("expected_snapshot_hash", value))
            #expect(manifest.expectedSnapshotHash == digits)
        }
    }

    @Test("each required field of a reference manifest is missed")
    func referenceFields() {
        #expect(reference(Good.reference) == nil)
        for field in ["app_id", "env", "sync_mode", "snapshot"] {
            for value in [nil, .null, [], "", " "] as [DocumentValue?] {
                #expect(reference(Good.reference.setting(field, value)) == [field])
            }
        }
        for artifact in ["snapshot", "wal"] {
            for field in ["uri", "sha256"] {
                for value in [nil, .null, [], ""] as [DocumentValue?] {
                    let part = Good.reference[artifact]?.setting(field, value)
                    #expect(reference(Good.reference.setting(artifact, part)) == ["\(artifact).\(field)"])
                }
            }
        }
    }

    @Test("optional fields of a reference manifest may be absent; wal may not be null")
    func optionalFields() throws {
        for field in ["wal", "policy_version", "change_id"] {
            #expect(reference(Good.reference.setting(field, nil)) == nil)
        }
        #expect(reference(Good.reference.setting("change_id", .null)) == nil)
        #expect(reference(Good.reference.setting("wal", .null)) == ["wal"])
        #expect(reference(Good.reference.setting("wal", "s3://b/k")) == ["wal"])
    }

    @Test("a misspelt key is refused at every level")
    func unknownKeys() {
        for key in ["Wal", "wal ", "wals", "sha256", ""] {
            #expect(reference(Good.reference.setting(key, "x"))?.count == 1, "\(key)")
        }
        for artifact in ["snapshot", "wal"] {
            let part = Good.reference[artifact]?.setting("size", 5)
            #expect(reference(Good.reference.setting(artifact, part)) == ["\(artifact).size"])
        }
    }

    @Test("numbers are text in a YAML reference manifest and mistyped in a JSON one")
    func formats() throws {
        let numbers = Good.reference.setting("app_id", 5).setting("policy_version", .float("2026.01"))
        #expect(try ReferenceManifest(numbers, format: .yaml).policyVersion == "2026.01")
        #expect(reference(numbers, .json) == ["app_id", "policy_version"])
    }

    @Test("a change id that the audit log cannot hold is refused")
    func changeID() {
        for text in ["a\u{0}b", "a\nb", String(repeating: "x", count: 257)] {
            #expect(reference(Good.reference.setting("change_id", .string(text))) == ["change_id"])
            #expect(ReferenceManifest.changeID(in: map(["change_id": .string(text)]), format: .yaml) == nil)
        }
        #expect(ReferenceManifest.changeID(in: map(["change_id": "CHG-1", "x": 1]), format: .yaml) == "CHG-1")
        #expect(ReferenceManifest.changeID(in: "x", format: .yaml) == nil)
    }
}
