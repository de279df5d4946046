import DeploymentControlDomain
import Encoding

/// How the bytes of artifacts come in: through this service, or past it into the object store.
struct UploadDesk: Sendable {
    enum Way: Sendable {
        /// `origin` is where this service is reached, without a path.
        case signedLinks(any ReceivingVault, UploadSigner, origin: String)
        case presigned(any PresigningVault)
    }

    let way: Way

    var vault: any ArtifactVault {
        switch way {
        case .signedLinks(let vault, _, _): vault
        case .presigned(let vault): vault
        }
    }

    /// Where a client is to send bytes to; empty for the object store, which says so itself.
    var origin: String {
        if case .signedLinks(_, _, let origin) = way { origin } else { "" }
    }

    /// The same for the same capability.
    func grant(for capability: IssuedCapability) throws(VaultError) -> UploadGrant {
        switch way {
        case .signedLinks(_, let signer, _):
            let link = UploadLink(
                capability: capability.id, artifact: capability.artifact, expires: capability.expiresAt.microseconds / 1_000_000)
            return UploadGrant(
                url: capability.origin + signer.target(of: link),
                fields: [.init(name: "content-type", value: capability.artifact.path.type.contentType)])
        case .presigned(let vault):
            return try vault.presign(capability.artifact, from: capability.issuedAt, until: capability.expiresAt)
        }
    }

    /// BuildUploadCapability.
    func document(of capability: IssuedCapability) throws(VaultError) -> [UInt8] {
        let grant = try grant(for: capability)
        let path = capability.artifact.path
        var json = JSONWriter()
        json.object { json in
            json.member("uploadType", "SIGNED_URL")
            json.member("uploadUrl", grant.url)
            json.key("uploadHeaders")
            json.object { json in
                for field in grant.fields {
                    json.key(dynamic: field.name)
                    json.value(field.value)
                }
            }
            json.member("expiresAt", capability.expiresAt.description)
            json.member("expectedSizeBytes", capability.artifact.sizeBytes)
            json.member("expectedSha256", path.sha256)
            json.member("expectedContentType", path.type.contentType)
            json.member("artifactRef", capability.artifactRef)
        }
        return json.finish()
    }
}
