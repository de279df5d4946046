import Crypto
import ValidationDecisionDomain

/// The hashes that were computed of a request's artifacts, as the answer shows them.
struct ArtifactHashes {
    var config: Digest32?
    var snapshot: Digest32?
    var wal: Digest32?
    /// By file name, in order of arrival.
    var walFiles: [(name: String, hash: Digest32)] = []
}

/// SHA-256 for the domain, which imports nothing.
func sha256(_ bytes: [UInt8]) -> [UInt8] { SHA256.hash(bytes).bytes }

/// What was read of a request: the input of a policy and what was computed on the way.
struct Intake<Input> {
    let input: Input
    let hashes: ArtifactHashes
    let digest: ContentDigest?
}
