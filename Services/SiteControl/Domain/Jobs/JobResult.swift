/// What a playbook reports when it has succeeded (reference 6.10), in one form for each job type.
public enum JobResult: Hashable, Sendable {
    case nodeProvisioned(publicIP: String, versions: [String: String])
    case siteCreated(releasePath: String, wordPressVersion: String)
    case siteImported(ChangedRelease, sourceURL: String, targetURL: String)
    case environmentCreated(releasePath: String, baseline: ProtectedChecksums)
    case deployed(ChangedRelease)
    case updated(ChangedRelease, updated: [String])
    case restored(ChangedRelease)
    case promoted(ChangedRelease, baseline: ProtectedChecksums)
    /// The flags that now hold; nil where the playbook was not asked.
    case cachesSet(CacheFlags)
    case cachesPurged(pageCacheEntries: Int, objectCacheKeys: Int)
    case backedUp(StoredObject)
    /// - Parameter certificateExpiresAt: RFC 3339.
    case domainAdded(certificateExpiresAt: String, rewritten: Bool)
    case domainRemoved(rewritten: Bool)
    case driftMeasured(ProtectedChecksums)
    case healthChecked(HealthVerdict)
    /// Backup ids.
    case cleanedUp(deleted: [String], missing: [String])
    case rolledBack(releasePath: String)

    public var type: JobType {
        switch self {
        case .nodeProvisioned: .nodeProvision
        case .siteCreated: .siteCreate
        case .siteImported: .siteImport
        case .environmentCreated: .environmentCreate
        case .deployed: .environmentDeploy
        case .updated: .environmentUpdate
        case .restored: .environmentRestore
        case .promoted: .environmentPromote
        case .cachesSet: .cacheToggle
        case .cachesPurged: .cachePurge
        case .backedUp: .backupCreate
        case .domainAdded: .domainAdd
        case .domainRemoved: .domainRemove
        case .driftMeasured: .driftCheck
        case .healthChecked: .healthCheck
        case .cleanedUp: .backupCleanup
        case .rolledBack: .releaseRollback
        }
    }
}

/// A release that replaced another one, and the ways back.
public struct ChangedRelease: Hashable, Sendable {
    public let path: String
    /// The backup taken first; nil where none was planned.
    public let snapshot: StoredObject?
    /// Path on the node of the dump that a rollback loads; nil where the database was not dumped.
    public let preChangeDump: String?

    public init(path: String, snapshot: StoredObject? = nil, preChangeDump: String? = nil) {
        self.path = path
        self.snapshot = snapshot
        self.preChangeDump = preChangeDump
    }
}

/// An object that is in the store and was read back.
public struct StoredObject: Hashable, Sendable {
    /// `sha256:` and 64 lower-case hexadecimal digits.
    public let checksum: String
    /// At least 1.
    public let sizeBytes: Int64

    /// nil for anything else.
    public init?(checksum: String, sizeBytes: Int64) {
        guard Self.isChecksum(checksum), sizeBytes >= 1 else { return nil }
        self.checksum = checksum
        self.sizeBytes = sizeBytes
    }

    public static func isChecksum(_ text: String) -> Bool {
        guard text.hasPrefix("sha256:") else { return false }
        let digits = text.utf8.dropFirst(7)
        return digits.count == 64 && digits.allSatisfy { (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }
    }
}

/// The three probes of a health check.
public struct HealthVerdict: Hashable, Sendable {
    public let isHealthy: Bool
    public let http: Bool
    public let wpCLI: Bool
    public let database: Bool

    public init(isHealthy: Bool, http: Bool, wpCLI: Bool, database: Bool) {
        self.isHealthy = isHealthy
        self.http = http
        self.wpCLI = wpCLI
        self.database = database
    }
}

/// The two cache switches of an environment; nil says nothing about one.
public struct CacheFlags: Hashable, Sendable {
    public let fastCGI: Bool?
    public let redis: Bool?

    public init(fastCGI: Bool?, redis: Bool?) {
        self.fastCGI = fastCGI
        self.redis = redis
    }

    public var isEmpty: Bool { fastCGI == nil && redis == nil }
}
