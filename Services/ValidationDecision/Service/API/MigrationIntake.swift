import Crypto
import HTTP
import ValidationDecisionDomain

/// Reads the two parts of a migration (T1) in any order. Other parts are read past: all known ones are required, so that a misspelt name
/// cannot skip a check.
struct MigrationIntake: Sendable {
    let limits: ArtifactLimits

    func read(_ request: Request) async throws(IntakeError) -> Intake<MigrationInput> {
        let documents = DocumentReader(bytesMax: limits.documentBytes)
        var input = MigrationInput(manifest: .missing, config: .missing, configDigest: nil)
        var hashes = ArtifactHashes()
        var manifestDigest: ContentDigest?
        var seen: Set<String> = []
        let parts = try PartReader(request)
        while let part = try await parts.next() {
            switch part.name {
            case "migration_manifest", "app_config":
                guard seen.insert(part.name).inserted else { throw .repeatedPart(part.name) }
                let bytes = try await parts.collect(part, upTo: limits.documentBytes)
                let digest = SHA256.hash(bytes)
                if part.name == "migration_manifest" {
                    manifestDigest = digest.content
                    input.manifest = documents.json(bytes)
                } else {
                    hashes.config = digest
                    input.configDigest = digest.content
                    input.config = documents.yaml(bytes)
                }
            default: try await parts.skip(part, upTo: limits.documentBytes)
            }
        }
        let inputDigest = InputDigest.migration(manifest: manifestDigest, config: input.configDigest, sha256: sha256)
        return Intake(input: input, hashes: hashes, digest: inputDigest)
    }
}
