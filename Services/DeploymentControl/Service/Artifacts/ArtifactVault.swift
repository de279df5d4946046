import DeploymentControlDomain
import Encoding
import HTTP

/// Where artifacts are kept: a directory or an S3-compatible store.
///
/// Content-addressed: an object of a reference is never overwritten. Nothing is held in memory beyond one piece.
protocol ArtifactVault: Sendable {
    /// The handle of an artifact in this store: `artifact://{service}/{version}/{sha256}.zip`, or `s3://…`.
    func reference(for artifact: ExpectedArtifact) -> String

    /// Whether a handle that a client sends has this store's scheme, root and shape.
    func accepts(_ reference: String) -> Bool

    /// A presigned URL to send the bytes to, past this service; nil where the bytes come through this service.
    func presignedUpload(_ artifact: ExpectedArtifact, expiresIn: Duration) throws(VaultError) -> String?

    /// Takes the bytes of one artifact: verifies them while they stream, makes them durable, then visible. What breaks off leaves at
    /// most a temporary file that a sweeper removes.
    func receive(_ body: RequestBody, _ artifact: ExpectedArtifact) async throws(VaultError)

    /// Reads the stored object from end to end. nil where there is none.
    func measure(_ reference: String, contentType: String) async throws(VaultError) -> MeasuredArtifact?
}

/// What a capability allows to be sent.
struct ExpectedArtifact: Sendable, Hashable {
    let service: ServiceName
    let version: Version
    let sizeBytes: Int64
    /// 64 hexadecimal digits in lower case.
    let sha256: String
    /// `application/zip` or `application/gzip`.
    let contentType: String
}

/// What a stored object really is.
struct MeasuredArtifact: Sendable, Hashable {
    let sizeBytes: Int64
    let sha256: String
    /// Whether the bytes are of the declared type (reference 6.6).
    let isOfDeclaredType: Bool
}

/// Why a vault gave or took nothing.
enum VaultError: Error, Sendable, Equatable {
    /// The bytes are not what was declared.
    case artifact(ArtifactProblem)
    /// The client stopped sending.
    case body(BodyError)
    /// The store does not answer, or is full. For the log. → 503
    case unavailable(reason: String)
}
