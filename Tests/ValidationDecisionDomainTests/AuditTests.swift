import TestSupport
import Testing

@testable import ValidationDecisionDomain

@Suite struct AuditTests {
    private func entry(_ number: Int = 0) -> AuditEntry {
        AuditEntry(
            requestID: "550e8400-e29b-41d4-a716-44665544000\(number)", clientRequestID: nil, scenario: .migration,
            verdict: judgeMigration(digest: Good.other).verdict, timestamp: 1_768_732_200_000_000 + Int64(number),
            client: "ci", endpoint: "POST /api/v1/validate/migration", status: 200, policyVersion: .builtIn,
            changeID: nil, inputDigest: Good.digest)
    }

    private func chain(_ count: Int) -> [AuditRecord] {
        var records: [AuditRecord] = []
        for number in 0..<count {
            let previous = records.last?.recordHash ?? AuditRecord.genesisHash
            records.append(
                AuditRecord(entry(number), sequence: Int64(number + 1), previousHash: previous, sha256: standInHash))
        }
        return records
    }

    private func verify(_ records: [AuditRecord]) -> ChainVerifier {
        var verifier = ChainVerifier()
        for record in records { verifier.step(record, sha256: standInHash) }
        return verifier
    }

    @Test("canonical bytes are length-prefixed fields with NULL as all ones")
    func canonicalBytes() {
        let record = AuditRecord(
            sequence: 7, requestID: "id", clientRequestID: nil, scenario: nil, decision: "BLOCK",
            reasons: ["AUTH_FAILED", "PARSE_ERROR"], timestamp: -5, client: "", endpoint: "é", status: 401,
            policyVersion: "v", changeID: nil, inputDigest: nil, contentDigest: "0a", previousHash: "ff",
            recordHash: "ignored")
        let expected: [UInt8] =
            [0, 0, 0, 2] + Array("id".utf8) + [255, 255, 255, 255]
            + [255, 255, 255, 255] + [0, 0, 0, 5] + Array("BLOCK".utf8) + [0, 0, 0, 23]
            + Array("AUTH_FAILED,PARSE_ERROR".utf8) + [0, 0, 0, 2] + Array("-5".utf8) + [0, 0, 0, 0]
            + [0, 0, 0, 2, 0xC3, 0xA9] + [0, 0, 0, 3] + Array("401".utf8) + [0, 0, 0, 1] + Array("v".utf8)
            + [255, 255, 255, 255] + [255, 255, 255, 255]
        #expect(record.canonicalContent == expected)
        #expect(record.canonicalPlace == [0, 0, 0, 0, 0, 0, 0, 7, 0xFF, 0x0A])
    }

    @Test("a record keeps its entry as text")
    func record() {
        let record = chain(1)[0]
        #expect(record.sequence == 1)
        #expect(record.scenario == "T1")
        #expect(record.decision == "BLOCK")
        #expect(record.reasons == ["CONFIG_HASH_MISMATCH"])
        #expect(record.previousHash == String(repeating: "0", count: 64))
        #expect(record.recordHash.utf8.count == 64)
    }

    @Test("an untouched chain verifies to its head, also from the middle")
    func whole() {
        let records = chain(9)
        let verifier = verify(records)
        #expect(verifier.firstBreak == nil)
        #expect(verifier.head == ChainVerifier.Head(sequence: 9, hash: records[8].recordHash))
        var later = ChainVerifier(after: ChainVerifier.Head(sequence: 4, hash: records[3].recordHash))
        for record in records[4...] { #expect(later.step(record, sha256: standInHash) == nil) }
        #expect(verify([]).head == .genesis)
    }

    @Test("a change of any field breaks the chain at its record")
    func changes() {
        let changes: [(inout AuditRecord) -> Void] = [
            { $0.requestID = "x" }, { $0.clientRequestID = "" }, { $0.scenario = "T2" }, { $0.scenario = nil },
            { $0.decision = "ALLOW" }, { $0.decision = "MAYBE" }, { $0.reasons = [] }, { $0.reasons = ["X"] },
            { $0.timestamp += 1 }, { $0.client = nil }, { $0.client = "c"; $0.endpoint = "i" + $0.endpoint },
            { $0.endpoint = "" }, { $0.status = 500 }, { $0.policyVersion = "9" }, { $0.changeID = "" },
            { $0.changeID = "CHG" }, { $0.inputDigest = nil }, { $0.recordHash = $0.recordHash.uppercased() + "x" },
            { $0.recordHash = AuditRecord.genesisHash }, { $0.contentDigest = AuditRecord.genesisHash },
        ]
        for (number, change) in changes.enumerated() {
            var records = chain(5)
            change(&records[2])
            switch verify(records).firstBreak {
            case .content(3, _, _), .recordHash(3, _, _): break
            case let found: Issue.record("change \(number) gave \(String(describing: found))")
            }
        }
    }

    @Test("reasons that only join to the same text are seen")
    func joinedReasons() {
        var record = entry()
        record.verdict = MigrationPolicy.evaluate(
            MigrationInput(manifest: .missing, config: .unparseable("x"), configDigest: nil)).verdict
        var stored = AuditRecord(record, sequence: 1, previousHash: AuditRecord.genesisHash, sha256: standInHash)
        #expect(stored.reasons.count == 2)
        stored.reasons = [stored.reasons.joined(separator: ",")]
        #expect(verify([stored]).firstBreak != nil)
        record.verdict = judgeMigration().verdict
        stored = AuditRecord(record, sequence: 1, previousHash: AuditRecord.genesisHash, sha256: standInHash)
        #expect(verify([stored]).firstBreak == nil)
        stored.reasons = [""]
        #expect(verify([stored]).firstBreak != nil)
    }

    @Test("records removed, repeated, exchanged or inserted are seen")
    func structure() {
        let records = chain(5)
        func first(_ records: [AuditRecord]) -> ChainVerifier.Break? { verify(records).firstBreak }
        #expect(first([records[0], records[2]]) == .sequence(expected: 2, found: 3))
        #expect(first([records[1]]) == .sequence(expected: 1, found: 2))
        #expect(first([records[0], records[0]]) == .sequence(expected: 2, found: 1))
        #expect(first([records[0], records[2], records[1]]) == .sequence(expected: 2, found: 3))
        let forged = AuditRecord(entry(9), sequence: 3, previousHash: records[0].recordHash, sha256: standInHash)
        #expect(
            first([records[0], records[1], forged])
                == .previousHash(sequence: 3, expected: records[1].recordHash, found: records[0].recordHash))
        // A record rewritten with a hash that fits is seen at the next one.
        let rewritten = AuditRecord(entry(8), sequence: 2, previousHash: records[0].recordHash, sha256: standInHash)
        guard case .previousHash(3, _, _) = first([records[0], rewritten, records[2]]) else {
            Issue.record("a rewritten record went unseen")
            return
        }
        // Records cut off at the end show in the head only.
        #expect(verify(Array(records[..<3])).head.sequence == 3)
    }

    @Test("the first break stays the answer")
    func firstBreakStays() {
        let records = chain(4)
        var verifier = verify([records[0], records[2]])
        let found = verifier.firstBreak
        #expect(verifier.step(records[1], sha256: standInHash) == found)
        #expect(verifier.head.sequence == 1)
        var last = ChainVerifier(after: ChainVerifier.Head(sequence: .max, hash: "x"))
        #expect(last.step(records[0], sha256: standInHash) != nil)
    }

    @Test("the input digest depends on every artifact and not on the order of WAL files")
    func inputDigest() {
        func digest(_ a: ContentDigest?, _ b: ContentDigest?) -> ContentDigest? {
            InputDigest.migration(manifest: a, config: b, sha256: standInHash)
        }
        let all = [
            digest(Good.digest, Good.other), digest(Good.other, Good.digest), digest(Good.digest, nil),
            digest(nil, Good.digest),
            InputDigest.reference(manifest: Good.digest, snapshot: Good.other, wal: nil, sha256: standInHash),
            InputDigest.reference(manifest: Good.digest, snapshot: nil, wal: Good.other, sha256: standInHash),
        ]
        #expect(Set(all.compactMap(\.self)).count == all.count)
        #expect(digest(nil, nil) == nil)

        func upload(_ files: [ReplicationInput.WALFile]) -> ContentDigest? {
            InputDigest.replication(
                manifest: Good.digest, snapshot: Good.digest, walFiles: files, sha256: standInHash)
        }
        let a = ReplicationInput.WALFile(name: "a", digest: Good.digest)
        let b = ReplicationInput.WALFile(name: "b", digest: Good.other)
        #expect(upload([a, b]) == upload([b, a]))
        #expect(upload([a]) != upload([b]))
        #expect(upload([a, a]) != upload([a]))
        let swapped = [("a", Good.other), ("b", Good.digest)].map { ReplicationInput.WALFile(name: $0, digest: $1) }
        #expect(upload([a, b]) != upload(swapped))
    }
}
