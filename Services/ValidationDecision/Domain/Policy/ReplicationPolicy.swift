/// The T2 rules for uploads.
///
/// A total, pure function. A missing, unparseable or malformed manifest, a missing or unreadable snapshot and
/// ambiguous WAL file names make the request malformed input, all of them reported. The rules run only when the
/// manifest is well-formed and the snapshot was hashed. A snapshot that fails the archive check was hashed: its
/// `PARSE_ERROR` is reported beside the reasons of the rules, and the request is malformed input.
public enum ReplicationPolicy {
    public static func evaluate(_ input: ReplicationInput) -> Evaluation {
        var form = Findings()
        let manifest = readRequired(input.manifest, called: "replication_manifest", &form, ReplicationManifest.init)
        var snapshot: ContentDigest?
        switch input.snapshot {
        case .missing: form.add(.schemaInvalid, "snapshot is missing")
        case .unparseable(let why): form.add(.parseError, "snapshot: \(why)")
        case .received(let digest, _): snapshot = digest
        }
        checkNames(of: input.walFiles, &form)
        guard let manifest, let snapshot, form.isEmpty else { return .malformed(form) }

        var broken = Findings()
        if !snapshot.matches(claim: manifest.expectedSnapshotHash) {
            let isHash = ContentDigest(claim: manifest.expectedSnapshotHash) != nil
            broken.add(
                .snapshotHashMismatch,
                isHash ? "expected_snapshot_hash differs" : "expected_snapshot_hash is not a SHA-256")
        }
        if SyncMode(exactly: manifest.syncMode) == nil {
            broken.add(
                .unsupportedSyncMode,
                "sync_mode \(DisplayedText.value(manifest.syncMode)) is neither sync nor async")
        }
        if case .received(_, let problem?) = input.snapshot {
            broken.add(.parseError, "snapshot: \(problem)")
            return .malformed(broken)
        }
        return .judged(broken)
    }

    /// Hashes are reported under file names, so each file needs one of its own.
    private static func checkNames(of files: [ReplicationInput.WALFile], _ form: inout Findings) {
        var seen: Set<[UInt8]> = []
        var repeated: Set<[UInt8]> = []
        for file in files {
            let name = Array(file.name.utf8)
            if isBlank(file.name) {
                if seen.insert([]).inserted { form.add(.schemaInvalid, "wal_files: a file has no name") }
            } else if !seen.insert(name).inserted {
                repeated.insert(name)
            }
        }
        for name in repeated.sorted(by: { $0.lexicographicallyPrecedes($1) }) {
            let shown = DisplayedText.value(String(decoding: name, as: UTF8.self))
            form.add(.schemaInvalid, "wal_files: more than one file is named \(shown)")
        }
    }
}
