/// A replication whose artifacts lie in a store (T2, reference mode).
///
/// Unknown keys are refused at every level: a misspelt `wal` must not skip the WAL check.
public struct ReferenceManifest: Sendable, Hashable {
    /// Where an artifact lies and what it must hash to, both as written.
    public struct Artifact: Sendable, Hashable {
        public let uri: String
        public let sha256: String
    }

    public let appID: String
    public let env: String
    public let snapshot: Artifact
    public let wal: Artifact?
    public let syncMode: String
    public let policyVersion: String?
    /// At most 256 bytes, no control characters. Recorded in the audit log.
    public let changeID: String?

    /// - Parameter format: in YAML a plain scalar counts as its text; in JSON a number is a mistyped string.
    /// - Throws: all fields that are missing, blank or mistyped, and all unknown keys.
    public init(_ document: DocumentValue, format: DocumentFormat) throws(SchemaProblems) {
        guard case .mapping = document else {
            throw SchemaProblems([SchemaProblem("", "must be a mapping, not \(document.kindName)")])
        }
        var fields = FieldReader(format: format)
        let appID = fields.text("app_id", of: document, at: "app_id")
        let env = fields.text("env", of: document, at: "env")
        let snapshot = Self.artifact("snapshot", document["snapshot"] ?? .null, &fields)
        let wal = document["wal"].flatMap { Self.artifact("wal", $0, &fields) }
        let mode = fields.text("sync_mode", of: document, at: "sync_mode")
        policyVersion = fields.optionalNote("policy_version", of: document, at: "policy_version")
        changeID = fields.optionalNote("change_id", of: document, at: "change_id")
        fields.refuseUnknownKeys(of: document, allowed: Self.keys, under: "")
        guard let appID, let env, let snapshot, let mode, fields.problems.isEmpty else {
            throw SchemaProblems(fields.problems)
        }
        self.appID = appID
        self.env = env
        self.snapshot = snapshot
        self.wal = wal
        self.syncMode = mode
    }

    /// The change a manifest belongs to, also where the rest is malformed, so that the refusal can be found by it.
    public static func changeID(in document: DocumentValue, format: DocumentFormat) -> String? {
        var fields = FieldReader(format: format)
        return fields.optionalNote("change_id", of: document, at: "change_id")
    }

    private static let keys = ["app_id", "env", "snapshot", "wal", "sync_mode", "policy_version", "change_id"]

    private static func artifact(_ name: String, _ value: DocumentValue, _ fields: inout FieldReader) -> Artifact? {
        guard case .mapping = value else {
            fields.note(name, value == .null ? "is missing" : "must be a mapping, not \(value.kindName)")
            return nil
        }
        let uri = fields.text("uri", of: value, at: name + ".uri")
        let sha256 = fields.text("sha256", of: value, at: name + ".sha256")
        fields.refuseUnknownKeys(of: value, allowed: ["uri", "sha256"], under: name + ".")
        guard let uri, let sha256 else { return nil }
        return Artifact(uri: uri, sha256: sha256)
    }
}
