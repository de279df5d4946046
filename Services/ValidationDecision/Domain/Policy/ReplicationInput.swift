/// Everything a T2 upload decision depends on.
public struct ReplicationInput: Sendable, Equatable {
    /// One `wal_files` part: hashed and recorded, compared with nothing.
    public struct WALFile: Sendable, Hashable {
        public let name: String
        public let digest: ContentDigest

        public init(name: String, digest: ContentDigest) {
            self.name = name
            self.digest = digest
        }
    }

    public var manifest: Artifact<DocumentValue>
    public var snapshot: ReceivedSnapshot
    /// In any order; their names must differ.
    public var walFiles: [WALFile]

    public init(manifest: Artifact<DocumentValue>, snapshot: ReceivedSnapshot, walFiles: [WALFile]) {
        self.manifest = manifest
        self.snapshot = snapshot
        self.walFiles = walFiles
    }
}
