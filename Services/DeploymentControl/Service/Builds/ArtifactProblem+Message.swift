import DeploymentControlDomain

extension Refusal {
    /// Each with its next step.
    static func artifact(_ problem: ArtifactProblem) -> Refusal { .artifact(problem, problem.message) }

    static func vault(_ error: VaultError) -> Refusal {
        switch error {
        case .artifact(let problem): .artifact(problem)
        case .body(let error): .body(error)
        case .unavailable(let reason): .vaultUnavailable(reason: reason)
        }
    }
}

extension ArtifactProblem {
    fileprivate var message: String {
        switch self {
        case .sizeLimit: "An artifact has 1 to \(ArtifactDeclaration.sizeMax) bytes."
        case .checksumForm: "The checksum must be a SHA-256 in 64 hexadecimal digits."
        case .typeNotAllowed:
            "The type must be one of \(ArtifactType.allCases.map(\.rawValue).joined(separator: ", ")), without parameters."
        case .sourceNotAllowed: "artifactRef must be the one that came with the upload capability."
        case .noCapability: "You hold no upload capability for exactly this artifact. Ask for one first."
        case .capabilityExpired: "The upload capability has expired. Ask for a new one."
        case .capabilityUsed: "The upload capability has been used for a build."
        case .notUploaded: "The artifact is not in the store. Upload it with its capability first."
        case .sizeMismatch: "The artifact does not have the declared size."
        case .checksumMismatch: "The artifact does not have the declared checksum."
        case .typeMismatch: "The artifact is not of the declared type."
        }
    }
}
