import DeploymentControlDomain
import Encoding
import Postgres

/// A capability as it was issued. From it and the server's key the whole answer follows, so nothing secret is stored.
struct IssuedCapability: Sendable, Hashable {
    let id: UUID
    let artifact: ExpectedArtifact
    let artifactRef: String
    /// Where the bytes were asked for: a replay names the same place, whichever instance gives it. Empty for the object store.
    let origin: String
    /// By the database's clock.
    let issuedAt: Timestamp
    let expiresAt: Timestamp

    init(
        id: UUID, artifact: ExpectedArtifact, artifactRef: String, origin: String, issuedAt: Timestamp, expiresAt: Timestamp
    ) {
        self.id = id
        self.artifact = artifact
        self.artifactRef = artifactRef
        self.origin = origin
        self.issuedAt = issuedAt
        self.expiresAt = expiresAt
    }

    /// What is kept under the idempotency key.
    var recipe: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("id", id.description)
            json.member("path", artifact.path.text)
            json.member("size", artifact.sizeBytes)
            json.member("ref", artifactRef)
            json.member("origin", origin)
            json.member("issued", issuedAt.microseconds)
            json.member("expires", expiresAt.microseconds)
        }
        return json.finish()
    }

    init?(recipe: [UInt8]) {
        guard let object = try? JSONReader.parse(recipe).object, case .string(let id)? = object["id"],
            let id = UUID(id), case .string(let path)? = object["path"], let path = ArtifactPath(path),
            case .number(let size)? = object["size"], let size = size.int64, case .string(let reference)? = object["ref"],
            case .string(let origin)? = object["origin"],
            case .number(let issued)? = object["issued"], let issued = issued.int64,
            case .number(let expires)? = object["expires"], let expires = expires.int64
        else { return nil }
        self.init(
            id: id, artifact: ExpectedArtifact(path: path, sizeBytes: size), artifactRef: reference, origin: origin,
            issuedAt: Timestamp(microseconds: issued), expiresAt: Timestamp(microseconds: expires))
    }
}
