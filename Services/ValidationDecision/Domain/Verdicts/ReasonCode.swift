/// Why a request was blocked. The cases stand in the order in which reasons are reported.
public enum ReasonCode: String, CaseIterable, Sendable, Hashable {
    case authFailed = "AUTH_FAILED"
    case parseError = "PARSE_ERROR"
    case schemaInvalid = "SCHEMA_INVALID"
    case invalidManifest = "INVALID_MANIFEST"
    case artifactFetchFailed = "ARTIFACT_FETCH_FAILED"
    case configHashMismatch = "CONFIG_HASH_MISMATCH"
    case snapshotHashMismatch = "SNAPSHOT_HASH_MISMATCH"
    case walHashMismatch = "WAL_HASH_MISMATCH"
    case unknownEnv = "UNKNOWN_ENV"
    case unsupportedSyncMode = "UNSUPPORTED_SYNC_MODE"
    case tlsDisabledProd = "TLS_DISABLED_PROD"
    case publicPortExposed = "PUBLIC_PORT_EXPOSED"
    case secretsRefMissing = "SECRETS_REF_MISSING"
    case secretsInline = "SECRETS_INLINE"
    case internalError = "INTERNAL_ERROR"

    /// The sentence that opens the message of a reason with this code; the places found follow it.
    public var summary: String {
        switch self {
        case .authFailed: "Authentication failed"
        case .parseError: "Unable to parse artifact"
        case .schemaInvalid: "Required fields missing or malformed"
        case .invalidManifest: "Reference manifest missing or invalid"
        case .artifactFetchFailed: "Unable to fetch artifact from store"
        case .configHashMismatch: "Computed config hash does not match manifest"
        case .snapshotHashMismatch: "Snapshot integrity verification failed"
        case .walHashMismatch: "WAL integrity verification failed"
        case .unknownEnv: "Environment not in allowed list"
        case .unsupportedSyncMode: "sync_mode not recognized"
        case .tlsDisabledProd: "TLS disabled in production environment"
        case .publicPortExposed: "Wildcard address binding detected in production environment"
        case .secretsRefMissing: "No secrets_ref defined"
        case .secretsInline: "Inline secrets detected in config"
        case .internalError: "Unhandled internal failure"
        }
    }

    /// Position in the order of reasons, 0 first.
    var rank: Int {
        switch self {
        case .authFailed: 0
        case .parseError: 1
        case .schemaInvalid: 2
        case .invalidManifest: 3
        case .artifactFetchFailed: 4
        case .configHashMismatch: 5
        case .snapshotHashMismatch: 6
        case .walHashMismatch: 7
        case .unknownEnv: 8
        case .unsupportedSyncMode: 9
        case .tlsDisabledProd: 10
        case .publicPortExposed: 11
        case .secretsRefMissing: 12
        case .secretsInline: 13
        case .internalError: 14
        }
    }
}

extension ReasonCode: Comparable {
    public static func < (left: ReasonCode, right: ReasonCode) -> Bool { left.rank < right.rank }
}
