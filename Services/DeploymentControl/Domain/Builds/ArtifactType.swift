/// What an artifact may be: a zip archive or a tar archive under gzip.
public enum ArtifactType: String, Sendable, Hashable, CaseIterable {
    case zip = "application/zip"
    case tarGzip = "application/gzip"

    public var contentType: String { rawValue }

    /// Without the dot.
    public var fileExtension: String {
        switch self {
        case .zip: "zip"
        case .tarGzip: "tar.gz"
        }
    }

    /// No archive of this type is shorter, in bytes.
    public var sizeMin: Int64 {
        switch self {
        case .zip: 22
        case .tarGzip: 18
        }
    }
}
