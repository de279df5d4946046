extension JobType {
    public var definition: JobDefinition {
        // The table has a row for each case: a test says so.
        Self.definitions[self] ?? JobDefinition(self, .jobControl)
    }

    /// File name of its playbook.
    public var playbook: String { definition.playbook }

    static let definitions: [JobType: JobDefinition] = Dictionary(
        uniqueKeysWithValues: table.map { ($0.type, $0) })

    /// The registry (reference 2.5, 4.2, 6.10).
    private static let table: [JobDefinition] = [
        JobDefinition(.nodeProvision, .nodeProvision) {
            $0.isGlobal = true
            $0.isExposed = false
            $0.environmentStates = []
        },
        JobDefinition(.siteCreate, .siteCreate) {
            $0.startStatus = .deploying
            $0.creates = .site
            $0.siteStates = [.deploying]
            $0.environmentStates = [.deploying]
            $0.release = ReleasePlan(.builtinWordPress, .wordPressVersion, .healthy)
            $0.changesData = true
        },
        JobDefinition(.siteImport, .siteImport) {
            $0.moves(.deploying)
            $0.snapshot = .always
            $0.needsStorage = true
            $0.release = ReleasePlan(.archive, .imported, .unknown)
            $0.checksHealth = true
            $0.outdatesDrift = true
        },
        JobDefinition(.environmentCreate, .environmentCreateClone) {
            $0.startStatus = .cloning
            $0.creates = .environment
            $0.siteStates = [.active]
            $0.environmentStates = [.cloning]
            $0.release = ReleasePlan(.sourceEnvironment, .cloneOf, .healthy)
            $0.changesData = true
        },
        JobDefinition(.environmentDeploy, .environmentDeployUpdates) {
            $0.moves(.deploying)
            $0.release = ReleasePlan(.request, .none, .unknown)
            $0.checksHealth = true
        },
        JobDefinition(.environmentUpdate, .environmentDeployUpdates) {
            $0.moves(.deploying)
            $0.snapshot = .whenStale
            $0.needsStorage = true
            $0.release = ReleasePlan(.currentRelease, .updates, .unknown)
            $0.checksHealth = true
        },
        JobDefinition(.environmentRestore, .environmentRestore) {
            $0.moves(.restoring)
            $0.snapshot = .always
            $0.needsStorage = true
            $0.release = ReleasePlan(.backup, .restoreOf, .unknown)
            $0.checksHealth = true
            $0.outdatesDrift = true
        },
        JobDefinition(.environmentPromote, .promotionDrift) {
            $0.moves(.deploying)
            $0.needsStorage = true
            $0.release = ReleasePlan(.sourceEnvironment, .promotionOf, .unknown)
            $0.checksHealth = true
            $0.outdatesDrift = true
        },
        JobDefinition(.cacheToggle, .cacheControls),
        JobDefinition(.cachePurge, .cacheControls),
        JobDefinition(.backupCreate, .backups) {
            $0.environmentStates = [.active, .failed]
            $0.needsStorage = true
        },
        JobDefinition(.domainAdd, .domainsAndTLS) { $0.changesData = true },
        JobDefinition(.domainRemove, .domainsAndTLS) { $0.changesData = true },
        JobDefinition(.driftCheck, .promotionDrift),
        JobDefinition(.healthCheck, .healthChecksAndRollback) {
            $0.isExposed = false
            // A probe harms no one, whatever state the environment is in.
            $0.environmentStates = Set(LifecycleStatus.allCases)
        },
        JobDefinition(.backupCleanup, .backupRetentionCleanup) {
            $0.isExposed = false
            $0.environmentStates = Set(LifecycleStatus.allCases)
            $0.needsStorage = true
        },
        JobDefinition(.releaseRollback, .healthChecksAndRollback) {
            $0.isExposed = false
            $0.moves(.deploying)
        },
    ]
}

extension JobDefinition {
    /// A job that takes an active environment and its active site into `status` and changes the data.
    fileprivate mutating func moves(_ status: LifecycleStatus) {
        startStatus = status
        siteStates = [.active]
        changesData = true
    }
}
