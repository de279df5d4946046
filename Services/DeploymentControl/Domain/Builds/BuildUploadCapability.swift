/// How the bytes of a capability are sent.
public enum UploadType: String, Sendable, CaseIterable {
    case signedURL = "SIGNED_URL"
    case token = "TOKEN"
}

/// A short-lived permission to upload exactly one artifact.
public struct BuildUploadCapability: Sendable, Hashable {
    public var id: String
    /// Exactly one of the two is shown.
    public var upload: Upload
    /// Microseconds since 1970 UTC.
    public var expiresAt: Int64
    public var expectedSizeBytes: Int64
    /// 64 hexadecimal digits in lower case.
    public var expectedSHA256: String
    public var expectedContentType: String
    /// What the caller sends on registration.
    public var artifactRef: String

    public enum Upload: Sendable, Hashable {
        /// An absolute URL that is the authority by itself.
        case signedURL(String)
        case token(String)

        public var type: UploadType {
            switch self {
            case .signedURL: .signedURL
            case .token: .token
            }
        }
    }

    public init(
        id: String, upload: Upload, expiresAt: Int64, expectedSizeBytes: Int64, expectedSHA256: String,
        expectedContentType: String, artifactRef: String
    ) {
        self.id = id
        self.upload = upload
        self.expiresAt = expiresAt
        self.expectedSizeBytes = expectedSizeBytes
        self.expectedSHA256 = expectedSHA256
        self.expectedContentType = expectedContentType
        self.artifactRef = artifactRef
    }
}

/// The life of a capability. EXPIRED is what ISSUED and UPLOADED are read as once their time is over.
public enum CapabilityState: String, Sendable, CaseIterable {
    case issued = "ISSUED"
    case uploaded = "UPLOADED"
    case used = "USED"
    case expired = "EXPIRED"
}
