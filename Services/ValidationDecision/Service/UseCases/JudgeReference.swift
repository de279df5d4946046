import Crypto
import EventLoop
import ObjectStore
import ValidationDecisionDomain

/// Decides about a reference manifest: reviews it, fetches what it names side by side through its hash, compares.
struct JudgeReference: Sendable {
    /// nil where none is configured: every fetch fails.
    let store: (any ObjectReading)?
    let limits: ArtifactLimits

    func callAsFunction(_ received: ReferenceDocument) async -> Conclusion {
        var conclusion: Conclusion
        switch ReferencePolicy.review(received.document, format: received.format) {
        case .rejected(let evaluation):
            conclusion = Conclusion(.replication, evaluation)
            conclusion.inputDigest = InputDigest.reference(
                manifest: received.digest, snapshot: nil, wal: nil, sha256: sha256)
            if case .parsed(let document) = received.document {
                conclusion.changeID = ReferenceManifest.changeID(in: document, format: received.format)
            }
        case .accepted(let accepted):
            async let snapshot = fetch(accepted.snapshot, checksArchive: limits.verifiesArchives)
            async let wal = fetch(accepted.wal, checksArchive: false)
            let fetched = await (snapshot: snapshot, wal: wal)
            let evaluation = ReferencePolicy.judge(
                accepted, snapshot: fetched.snapshot.outcome, wal: fetched.wal.outcome)
            conclusion = Conclusion(.replication, evaluation)
            conclusion.hashes.snapshot = fetched.snapshot.digest
            conclusion.hashes.wal = fetched.wal.digest
            conclusion.inputDigest = InputDigest.reference(
                manifest: received.digest, snapshot: fetched.snapshot.digest?.content,
                wal: fetched.wal.digest?.content, sha256: sha256)
            conclusion.changeID = accepted.manifest.changeID
            conclusion.policyVersion = accepted.manifest.policyVersion.map(PolicyVersion.init(rawValue:))
        }
        return conclusion
    }

    private struct Fetched: Sendable {
        let outcome: FetchOutcome
        var digest: Digest32?
    }

    private func fetch(_ uri: ObjectURI?, checksArchive: Bool) async -> Fetched {
        guard let uri else { return Fetched(outcome: .notAttempted) }
        guard let store else { return Fetched(outcome: .failed("no object store is configured")) }
        do throws(ObjectError) {
            let location = try ObjectLocation(bucket: uri.bucket, key: uri.key)
            let stream = try await store.open(location, upTo: Int64(limits.artifactBytes))
            defer { stream.close() }
            let sink = ArtifactSink(checksArchive: checksArchive)
            while let piece = try await stream.next() { await sink.take(piece) }
            let (digest, problem) = sink.finish()
            guard let content = digest.content else { return Fetched(outcome: .failed("the hash is malformed")) }
            return Fetched(outcome: .fetched(content, archiveProblem: problem), digest: digest)
        } catch {
            return Fetched(outcome: .failed(error.description))
        }
    }
}
