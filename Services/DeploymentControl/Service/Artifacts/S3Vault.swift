import Crypto
import DeploymentControlDomain
import Encoding
import ObjectStore

/// Artifacts in a bucket of an S3-compatible store, sent there by the clients themselves. Handles are
/// `s3://{bucket}/{service}/{version}/{sha256}.{extension}`.
struct S3Vault: PresigningVault {
    let store: S3Store
    let bucket: String

    private var prefix: String { "s3://\(bucket)/" }

    func reference(to path: ArtifactPath) -> String { prefix + path.text }

    /// The separator belongs to the prefix: a bucket whose name only begins alike is another one.
    func path(of reference: String) -> ArtifactPath? {
        guard reference.hasPrefix(prefix) else { return nil }
        return ArtifactPath(String(reference.dropFirst(prefix.count)))
    }

    func presign(
        _ artifact: ExpectedArtifact, from start: Timestamp, until end: Timestamp
    ) throws(VaultError) -> UploadGrant {
        guard let digest = Digest32(hex: artifact.path.sha256) else { throw .artifact(.checksumForm) }
        let seconds = (end - start).components.seconds
        let grant: PresignedPut
        do throws(ObjectError) {
            grant = try store.presignedPut(
                try location(artifact.path), length: artifact.sizeBytes, sha256: digest,
                contentType: artifact.path.type.contentType,
                seconds: Int(clamping: max(1, min(seconds, Int64(SigV4.presignedSecondsMax)))), from: start)
        } catch {
            throw .unavailable(reason: error.description)
        }
        // Every client sends a Content-Length by itself.
        let fields = grant.headers.filter { $0.name != "content-length" }
        return UploadGrant(url: grant.url, fields: fields.map { .init(name: $0.name, value: $0.value) })
    }

    func verify(_ artifact: ExpectedArtifact) async throws(VaultError) {
        do {
            let stream = try await store.open(try location(artifact.path), upTo: artifact.sizeBytes)
            defer { stream.close() }
            if let length = stream.declaredLength, length != artifact.sizeBytes { throw ArtifactProblem.sizeMismatch }
            let meter = ArtifactMeter(artifact)
            while let piece = try await stream.next() { try meter.feed(piece) }
            try meter.finish()
        } catch let problem as ArtifactProblem {
            throw .artifact(problem)
        } catch {
            switch error as? ObjectError {
            case .notFound: throw .artifact(.notUploaded)
            case .tooLarge: throw .artifact(.sizeMismatch)
            case let other: throw .unavailable(reason: other?.description ?? "the store could not be read")
            }
        }
    }

    func remove(_ path: ArtifactPath) async throws(VaultError) {
        do throws(ObjectError) {
            try await store.delete(try location(path))
        } catch {
            throw .unavailable(reason: error.description)
        }
    }

    private func location(_ path: ArtifactPath) throws(ObjectError) -> ObjectLocation {
        try ObjectLocation(bucket: bucket, key: path.text)
    }
}
