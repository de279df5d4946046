/// What an uploaded replication claims (T2). A plain YAML scalar counts as its text.
public struct ReplicationManifest: Sendable, Hashable {
    public let sourceDB: String
    public let targetDB: String
    /// The claim as written; `ContentDigest.matches(claim:)` judges it.
    public let expectedSnapshotHash: String
    /// As written; `SyncMode` knows the supported ones.
    public let syncMode: String

    /// - Throws: all fields that are missing, blank, null, a sequence or a mapping.
    public init(_ document: DocumentValue) throws(SchemaProblems) {
        guard case .mapping = document else {
            throw SchemaProblems([SchemaProblem("", "must be a mapping, not \(document.kindName)")])
        }
        var fields = FieldReader(format: .yaml)
        let source = fields.text("source_db", of: document, at: "source_db")
        let target = fields.text("target_db", of: document, at: "target_db")
        let hash = fields.text("expected_snapshot_hash", of: document, at: "expected_snapshot_hash")
        let mode = fields.text("sync_mode", of: document, at: "sync_mode")
        guard let source, let target, let hash, let mode else { throw SchemaProblems(fields.problems) }
        self.sourceDB = source
        self.targetDB = target
        self.expectedSnapshotHash = hash
        self.syncMode = mode
    }
}
