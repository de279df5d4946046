import Crypto
import DeploymentControlDomain

/// Measures an artifact while its bytes stream by, wherever they come from: size, digest, type.
final class ArtifactMeter {
    private let expected: ExpectedArtifact
    private let digest = SHA256()
    private let inspector: ArtifactInspector
    private var sizeBytes: Int64 = 0

    init(_ expected: ExpectedArtifact) {
        self.expected = expected
        inspector = ArtifactInspector(type: expected.path.type)
    }

    /// - Throws: `sizeMismatch` as soon as there are too many bytes.
    func feed(_ bytes: UnsafeRawBufferPointer) throws(ArtifactProblem) {
        sizeBytes &+= Int64(bytes.count)
        guard sizeBytes <= expected.sizeBytes else { throw .sizeMismatch }
        digest.update(bytes)
        inspector.feed(bytes)
    }

    /// After the last byte.
    /// - Throws: what the artifact is not, in check order.
    func finish() throws(ArtifactProblem) {
        guard sizeBytes == expected.sizeBytes else { throw .sizeMismatch }
        guard digest.finalize().hex == expected.path.sha256 else { throw .checksumMismatch }
        guard inspector.isOfType else { throw .typeMismatch }
    }
}
