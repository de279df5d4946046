/// The T2 rules for reference manifests, in two pure steps with the fetches between them.
///
/// `review` judges the manifest alone. What it rejects is never fetched: a malformed manifest as malformed input, an
/// unsupported env, sync_mode or URI as judged. `judge` compares what was fetched.
public enum ReferencePolicy {
    /// A manifest that may be fetched.
    public struct Accepted: Sendable, Hashable {
        public let manifest: ReferenceManifest
        public let snapshot: ObjectURI
        /// Nil where the manifest names no WAL.
        public let wal: ObjectURI?
    }

    public enum Review: Sendable, Hashable {
        case rejected(Evaluation)
        case accepted(Accepted)
    }

    public static func review(_ manifest: Artifact<DocumentValue>, format: DocumentFormat) -> Review {
        var form = Findings()
        var readable: ReferenceManifest?
        switch manifest {
        case .missing: form.add(.invalidManifest, "the body is empty")
        case .unparseable(let why): form.add(.invalidManifest, why)
        case .parsed(let document):
            do throws(SchemaProblems) {
                readable = try ReferenceManifest(document, format: format)
            } catch {
                for problem in error.problems { form.add(.invalidManifest, problem.description) }
            }
        }
        guard let readable, form.isEmpty else { return .rejected(.malformed(form)) }

        var broken = Findings()
        if DeploymentEnvironment(exactly: readable.env) == nil {
            broken.add(.invalidManifest, "env \(DisplayedText.value(readable.env)) is neither prod nor staging")
        }
        if SyncMode(exactly: readable.syncMode) == nil {
            let shown = DisplayedText.value(readable.syncMode)
            broken.add(.invalidManifest, "sync_mode \(shown) is neither sync nor async")
        }
        let snapshot = ObjectURI(readable.snapshot.uri)
        if snapshot == nil { broken.add(.invalidManifest, "snapshot.uri is not s3://bucket/key") }
        let wal = readable.wal.flatMap { ObjectURI($0.uri) }
        if readable.wal != nil, wal == nil { broken.add(.invalidManifest, "wal.uri is not s3://bucket/key") }
        guard let snapshot, broken.isEmpty else { return .rejected(.judged(broken)) }
        return .accepted(Accepted(manifest: readable, snapshot: snapshot, wal: wal))
    }

    /// - Parameter wal: ignored where the manifest names no WAL.
    public static func judge(_ accepted: Accepted, snapshot: FetchOutcome, wal: FetchOutcome) -> Evaluation {
        var broken = Findings()
        var isWellFormed = compare(
            accepted.manifest.snapshot, snapshot, called: "snapshot", .snapshotHashMismatch, &broken)
        if let claim = accepted.manifest.wal {
            isWellFormed = compare(claim, wal, called: "wal", .walHashMismatch, &broken) && isWellFormed
        }
        return isWellFormed ? .judged(broken) : .malformed(broken)
    }

    /// Both steps at once, for callers that have the outcomes already.
    public static func evaluate(
        _ manifest: Artifact<DocumentValue>, format: DocumentFormat, snapshot: FetchOutcome, wal: FetchOutcome
    ) -> Evaluation {
        switch review(manifest, format: format) {
        case .rejected(let evaluation): evaluation
        case .accepted(let accepted): judge(accepted, snapshot: snapshot, wal: wal)
        }
    }

    /// False where the archive check found the object malformed.
    private static func compare(
        _ claim: ReferenceManifest.Artifact, _ outcome: FetchOutcome, called name: String, _ mismatch: ReasonCode,
        _ broken: inout Findings
    ) -> Bool {
        switch outcome {
        case .failed(let why): broken.add(.artifactFetchFailed, "\(name): \(why)")
        case .notAttempted: broken.add(.artifactFetchFailed, "\(name): it was not fetched")
        case .fetched(let digest, let archiveProblem):
            if !digest.matches(claim: claim.sha256) {
                let isHash = ContentDigest(claim: claim.sha256) != nil
                broken.add(mismatch, isHash ? "\(name).sha256 differs" : "\(name).sha256 is not a SHA-256")
            }
            if let archiveProblem {
                broken.add(.parseError, "\(name): \(archiveProblem)")
                return false
            }
        }
        return true
    }
}
