/// A registered build: immutable, one for each service and version.
public struct BuildRegistration: Sendable, Hashable {
    public var id: String
    public var service: String
    public var version: String
    public var artifactRef: String
    /// 64 hexadecimal digits in lower case.
    public var sha256: String
    public var sizeBytes: Int64
    public var contentType: String
    /// Microseconds since 1970 UTC.
    public var registeredAt: Int64

    public init(
        id: String, service: String, version: String, artifactRef: String, sha256: String, sizeBytes: Int64,
        contentType: String, registeredAt: Int64
    ) {
        self.id = id
        self.service = service
        self.version = version
        self.artifactRef = artifactRef
        self.sha256 = sha256
        self.sizeBytes = sizeBytes
        self.contentType = contentType
        self.registeredAt = registeredAt
    }

    /// Whether a request for `other` means this build: everything but the server's own fields.
    public func isSameContent(as other: BuildRegistration) -> Bool {
        service == other.service && version == other.version && artifactRef == other.artifactRef && sha256 == other.sha256
            && sizeBytes == other.sizeBytes && contentType == other.contentType
    }
}
