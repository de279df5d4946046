import DeploymentControlDomain
import Encoding
import HTTP

/// Where artifacts are kept: a directory or an S3-compatible store.
///
/// Content-addressed: what has a name is never replaced by anything else. Nothing is held in memory beyond one piece.
protocol ArtifactVault: Sendable {
    /// The handle of an artifact in this store: `artifact://{service}/{version}/{sha256}.zip`, or `s3://…`.
    func reference(to path: ArtifactPath) -> String

    /// What a handle that a client sends names here; nil where it has another scheme, root or shape.
    func path(of reference: String) -> ArtifactPath?

    /// Reads the stored object from end to end and holds it against what was declared. Each call is a measurement of its own.
    /// - Throws: `.artifact` with the first cause of reference 6.5, 8 to 11, that applies.
    func verify(_ artifact: ExpectedArtifact) async throws(VaultError)

    /// Removes an artifact that no build has. One that is not there is no error.
    func remove(_ path: ArtifactPath) async throws(VaultError)
}

/// A vault that takes the bytes through this service.
protocol ReceivingVault: ArtifactVault {
    /// Takes the bytes of one artifact: verifies them while they stream, makes them durable, then visible. What breaks off
    /// leaves at most a temporary file that `sweep` removes.
    func receive(_ body: RequestBody, _ artifact: ExpectedArtifact) async throws(VaultError)

    /// Removes temporary files that nobody writes any more, and tells how many.
    func sweep() async throws(VaultError) -> Int
}

/// A vault that lets the client send the bytes past this service.
protocol PresigningVault: ArtifactVault {
    /// Size, digest and type are part of the signature. The same arguments give the same grant.
    func presign(_ artifact: ExpectedArtifact, from start: Timestamp, until end: Timestamp) throws(VaultError) -> UploadGrant
}

/// What a capability allows to be sent.
struct ExpectedArtifact: Sendable, Hashable {
    let path: ArtifactPath
    let sizeBytes: Int64
}

/// Where and how bytes are to be sent.
struct UploadGrant: Sendable, Hashable {
    struct Field: Sendable, Hashable {
        let name: String
        let value: String
    }

    /// A secret until it expires.
    let url: String
    /// Header fields to be sent with exactly these values.
    let fields: [Field]
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
