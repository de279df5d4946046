import Testing

@testable import ValidationDecisionDomain

@Suite struct ReplicationPolicyTests {
    @Test("a matching snapshot and a supported mode are allowed")
    func allow() {
        for mode in ["sync", "async"] as [DocumentValue] {
            let evaluation = judgeReplication(Good.replication.setting("sync_mode", mode))
            #expect(evaluation.decision == .allow)
            #expect(evaluation.statusClass == .judged)
        }
    }

    @Test("both rules are evaluated")
    func both() {
        let evaluation = judgeReplication(
            Good.replication.setting("sync_mode", "semi"), .received(Good.other, archiveProblem: nil))
        #expect(evaluation.codes == [.snapshotHashMismatch, .unsupportedSyncMode])
        #expect(evaluation.statusClass == .judged)
    }

    @Test("the mode is spelled exactly", arguments: ["Sync", "ASYNC", "sync ", "semi", "both", "true"])
    func modes(mode: String) {
        #expect(judgeReplication(Good.replication.setting("sync_mode", .string(mode))).codes == [.unsupportedSyncMode])
    }

    @Test("a hash that is none, or another one, is a mismatch")
    func hashes() {
        for claim in [Good.other.hex, "abc", "1e5", Good.digest.hex + "0"] {
            let manifest = Good.replication.setting("expected_snapshot_hash", .string(claim))
            #expect(judgeReplication(manifest).codes == [.snapshotHashMismatch])
        }
        let upper = Good.replication.setting("expected_snapshot_hash", .string(" \(Good.digest.hex.uppercased()) "))
        #expect(judgeReplication(upper).decision == .allow)
    }

    @Test("an unquoted hash of digits only is compared as text")
    func digits() {
        let digest = ContentDigest(claim: String(repeating: "01", count: 32))!
        let manifest = Good.replication.setting("expected_snapshot_hash", .integer(digest.hex))
        #expect(judgeReplication(manifest, .received(digest, archiveProblem: nil)).decision == .allow)
    }

    @Test("everything wrong with the form is reported in one answer")
    func form() {
        func judge(_ manifest: Artifact<DocumentValue>, _ snapshot: ReceivedSnapshot) -> Evaluation {
            ReplicationPolicy.evaluate(ReplicationInput(manifest: manifest, snapshot: snapshot, walFiles: []))
        }
        let good = ReceivedSnapshot.received(Good.digest, archiveProblem: nil)
        #expect(judge(.missing, good).codes == [.schemaInvalid])
        #expect(judge(.missing, .missing).codes == [.schemaInvalid])
        #expect(judge(.missing, .missing).message(.schemaInvalid).contains("replication_manifest is missing; snapshot is"))
        #expect(judge(.unparseable("line 2"), .missing).codes == [.parseError, .schemaInvalid])
        #expect(judge(.parsed(Good.replication), .missing).codes == [.schemaInvalid])
        #expect(judge(.parsed(Good.replication), .unparseable("cut short")).codes == [.parseError])
        for snapshot in [.missing, .unparseable("x"), good] as [ReceivedSnapshot] {
            let evaluation = judge(.parsed(map(["sync_mode": "semi"])), snapshot)
            #expect(evaluation.statusClass == .malformedInput)
            #expect(!evaluation.codes.contains(.unsupportedSyncMode))
        }
    }

    @Test("a snapshot that fails the archive check is malformed input, beside what the rules say")
    func archive() {
        let good = judgeReplication(Good.replication, .received(Good.digest, archiveProblem: "no gzip"))
        #expect(good.codes == [.parseError])
        #expect(good.statusClass == .malformedInput)
        let other = judgeReplication(Good.replication, .received(Good.other, archiveProblem: "no gzip"))
        #expect(other.codes == [.parseError, .snapshotHashMismatch])
    }

    @Test("WAL files need names of their own; their order does not matter")
    func walFiles() {
        func file(_ name: String) -> ReplicationInput.WALFile { .init(name: name, digest: Good.other) }
        #expect(judgeReplication(wal: [file("b"), file("a"), file("B")]).decision == .allow)
        let one = judgeReplication(wal: [file("b"), file("a"), file(" "), file("a"), file("b"), file("a"), file("")])
        let two = judgeReplication(wal: [file(""), file("a"), file("a"), file("a"), file("b"), file("b"), file(" ")])
        #expect(one.codes == [.schemaInvalid])
        #expect(one.statusClass == .malformedInput)
        #expect(Set(one.message(.schemaInvalid).split(separator: "; ")).count == 3)
        #expect(
            Set(one.message(.schemaInvalid).split(separator: ": ")) == Set(two.message(.schemaInvalid).split(separator: ": ")))
    }
}
