/// Everything a T1 decision depends on.
public struct MigrationInput: Sendable, Equatable {
    public var manifest: Artifact<DocumentValue>
    public var config: Artifact<DocumentValue>
    /// SHA-256 of the exact bytes of `app_config`; nil where none arrived. A parsed config without one is a mismatch.
    public var configDigest: ContentDigest?

    public init(manifest: Artifact<DocumentValue>, config: Artifact<DocumentValue>, configDigest: ContentDigest?) {
        self.manifest = manifest
        self.config = config
        self.configDigest = configDigest
    }
}
