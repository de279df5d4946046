/// Bounds on what one request may bring, and what is looked at.
struct ArtifactLimits: Sendable {
    /// Bytes of a manifest or a configuration.
    var documentBytes: Int
    /// Bytes of a snapshot or a WAL file.
    var artifactBytes: Int
    /// Parts named wal_files.
    var walFiles: Int
    /// Whether a snapshot must be a well-formed tar.gz.
    var verifiesArchives: Bool
    /// Bytes of a file name that is answered back.
    var fileNameBytes = 255
}
