/// Why an artifact is not accepted; `details.reason` of INVALID_ARTIFACT, in check order (reference 6.5).
public enum ArtifactProblem: String, Error, Sendable, CaseIterable {
    case sizeLimit = "SIZE_LIMIT"
    case checksumForm = "CHECKSUM_FORMAT"
    case typeNotAllowed = "TYPE_NOT_ALLOWED"
    case sourceNotAllowed = "SOURCE_NOT_ALLOWED"
    case noCapability = "NO_CAPABILITY"
    case capabilityExpired = "CAPABILITY_EXPIRED"
    case capabilityUsed = "CAPABILITY_USED"
    case notUploaded = "NOT_UPLOADED"
    case sizeMismatch = "SIZE_MISMATCH"
    case checksumMismatch = "CHECKSUM_MISMATCH"
    case typeMismatch = "TYPE_MISMATCH"
}
