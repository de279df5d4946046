import Crypto
import DeploymentControlDomain
import Encoding
import HTTP

/// A signed address to send the bytes of one artifact to. It is the authority by itself.
struct UploadLink: Sendable, Hashable {
    static let pattern = "/v1/artifacts/{service}/{version}/{file}"

    let capability: UUID
    let artifact: ExpectedArtifact
    /// Whole seconds since 1970 UTC. Told to the bearer; the database decides.
    let expires: Int64

    var path: String { "/v1/artifacts/\(artifact.path.text)" }

    init(capability: UUID, artifact: ExpectedArtifact, expires: Int64) {
        self.capability = capability
        self.artifact = artifact
        self.expires = expires
    }

    /// What a request's address says, and the signature that it carries; nil where it is not of this form.
    static func read(_ request: Request) -> (link: UploadLink, signature: String)? {
        let parameters = request.parameters
        guard let service = parameters["service"], let version = parameters["version"], let file = parameters["file"],
            let path = ArtifactPath(service: service, version: version, fileName: file),
            let query = try? request.query,
            let capability = (try? query.single("capability")).flatMap({ UUID($0) }),
            let size = (try? query.single("size")).flatMap({ Int64($0) }),
            let expires = (try? query.single("expires")).flatMap({ Int64($0) }),
            let signature = try? query.single("sig")
        else { return nil }
        let artifact = ExpectedArtifact(path: path, sizeBytes: size)
        return (UploadLink(capability: capability, artifact: artifact, expires: expires), signature)
    }
}

/// Signs upload links: HMAC-SHA-256 over method, path, capability, expiry, size, digest and type.
struct UploadSigner: Sendable {
    let key: SigningKey

    /// Path and query.
    func target(of link: UploadLink) -> String {
        "\(link.path)?capability=\(link.capability)&expires=\(link.expires)&size=\(link.artifact.sizeBytes)"
            + "&sig=\(Base64.encode(code(of: link).bytes, .url))"
    }

    /// In constant time.
    func isValid(_ signature: String, of link: UploadLink) -> Bool {
        guard let bytes = Base64.decode(signature, .url) else { return false }
        return constantTimeEquals(bytes, code(of: link).bytes)
    }

    private func code(of link: UploadLink) -> Digest32 {
        let path = link.artifact.path
        let lines = [
            "trivet upload 1", "PUT", link.path, "\(link.capability)", "\(link.expires)", "\(link.artifact.sizeBytes)",
            path.sha256, path.type.contentType,
        ]
        return HMACSHA256.authenticate(Array(lines.joined(separator: "\n").utf8), key: key.bytes)
    }
}
