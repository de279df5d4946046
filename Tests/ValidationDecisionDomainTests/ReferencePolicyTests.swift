import Testing

@testable import ValidationDecisionDomain

@Suite struct ReferencePolicyTests {
    private func isAccepted(_ manifest: DocumentValue) -> Bool {
        if case .accepted = ReferencePolicy.review(.parsed(manifest), format: .yaml) { true } else { false }
    }

    @Test("a good manifest with good artifacts is allowed, with and without WAL")
    func allow() {
        #expect(judgeReference().decision == .allow)
        #expect(judgeReference().statusClass == .judged)
        let noWAL = Good.reference.setting("wal", nil)
        #expect(judgeReference(noWAL, wal: .notAttempted).decision == .allow)
        #expect(judgeReference(noWAL, wal: .failed("ignored")).decision == .allow)
    }

    @Test("an unreadable or malformed manifest is INVALID_MANIFEST as malformed input, and nothing is fetched")
    func malformed() {
        let manifests: [Artifact<DocumentValue>] = [
            .missing, .unparseable("line 1"), .parsed("x"), .parsed(Good.reference.setting("env", nil)),
            .parsed(Good.reference.setting("walx", "x")), .parsed(Good.reference.setting("wal", map([:]))),
        ]
        for manifest in manifests {
            guard case .rejected(let evaluation) = ReferencePolicy.review(manifest, format: .yaml) else {
                Issue.record("accepted: \(manifest)")
                continue
            }
            #expect(evaluation.codes == [.invalidManifest])
            #expect(evaluation.statusClass == .malformedInput)
        }
    }

    @Test("an unsupported env, sync_mode or URI is INVALID_MANIFEST as judged, and nothing is fetched")
    func unsupported() {
        let snapshot = Good.reference["snapshot"], wal = Good.reference["wal"]
        let manifests = [
            Good.reference.setting("env", "dev"), Good.reference.setting("env", "Prod"),
            Good.reference.setting("sync_mode", "semi"),
            Good.reference.setting("snapshot", snapshot?.setting("uri", "http://b/k")),
            Good.reference.setting("wal", wal?.setting("uri", "s3://b")),
        ]
        for manifest in manifests {
            #expect(!isAccepted(manifest))
            let evaluation = judgeReference(manifest)
            #expect(evaluation.codes == [.invalidManifest])
            #expect(evaluation.statusClass == .judged)
        }
        let all = Good.reference.setting("env", "dev").setting("sync_mode", "semi")
            .setting("snapshot", snapshot?.setting("uri", "x")).setting("wal", wal?.setting("uri", "y"))
        let message = judgeReference(all).message(.invalidManifest)
        for part in ["env", "sync_mode", "snapshot.uri", "wal.uri"] { #expect(message.contains(part)) }
    }

    @Test("each artifact is compared with its own hash")
    func hashes() {
        let good = FetchOutcome.fetched(Good.digest, archiveProblem: nil)
        let other = FetchOutcome.fetched(Good.other, archiveProblem: nil)
        #expect(judgeReference(snapshot: other, wal: other).codes == [.snapshotHashMismatch])
        #expect(judgeReference(snapshot: good, wal: good).codes == [.walHashMismatch])
        #expect(judgeReference(snapshot: other, wal: good).codes == [.snapshotHashMismatch, .walHashMismatch])
        #expect(judgeReference(snapshot: other, wal: good).statusClass == .judged)
        let noHash = Good.reference.setting("snapshot", Good.reference["snapshot"]?.setting("sha256", "abc"))
        #expect(judgeReference(noHash).codes == [.snapshotHashMismatch])
    }

    @Test("a fetch that failed or never happened is ARTIFACT_FETCH_FAILED, naming each artifact")
    func fetches() {
        for outcome in [.failed("timed out"), .notAttempted] as [FetchOutcome] {
            #expect(judgeReference(snapshot: outcome).codes == [.artifactFetchFailed])
            #expect(judgeReference(wal: outcome).codes == [.artifactFetchFailed])
            let both = judgeReference(snapshot: outcome, wal: outcome)
            #expect(both.codes == [.artifactFetchFailed])
            #expect(both.statusClass == .judged)
            #expect(both.message(.artifactFetchFailed).contains("snapshot: "))
            #expect(both.message(.artifactFetchFailed).contains("wal: "))
        }
        let mixed = judgeReference(
            snapshot: .failed("no such key"), wal: .fetched(Good.digest, archiveProblem: nil))
        #expect(mixed.codes == [.artifactFetchFailed, .walHashMismatch])
    }

    @Test("an artifact that fails the archive check is a PARSE_ERROR")
    func archive() {
        let evaluation = judgeReference(snapshot: .fetched(Good.other, archiveProblem: "no tar"))
        #expect(evaluation.codes == [.parseError, .snapshotHashMismatch])
        #expect(evaluation.statusClass == .malformedInput)
    }
}
