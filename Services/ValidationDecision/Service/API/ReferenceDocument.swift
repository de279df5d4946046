import Crypto
import Encoding
import HTTP
import ValidationDecisionDomain

/// A reference manifest as it arrived: JSON where the media type says so, YAML otherwise, so that
/// `curl --data-binary @manifest.yaml` works without a header.
struct ReferenceDocument {
    let document: Artifact<DocumentValue>
    let format: DocumentFormat
    let digest: ContentDigest?

    init(_ bytes: [UInt8], contentType: String?, limits: ArtifactLimits) {
        let reader = DocumentReader(bytesMax: limits.documentBytes)
        format = ReferenceDocument.isJSON(contentType) ? .json : .yaml
        digest = bytes.isEmpty ? nil : SHA256.hash(bytes).content
        document = bytes.isEmpty ? .missing : format == .json ? reader.json(bytes) : reader.yaml(bytes)
    }

    private static func isJSON(_ contentType: String?) -> Bool {
        guard let contentType, let type = MediaType(parsing: contentType) else { return false }
        return type.essence == "application/json" || type.subtype.hasSuffix("+json")
    }
}
