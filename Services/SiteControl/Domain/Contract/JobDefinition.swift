/// Everything about a job type that is not its playbook's inside: a row of `JobType.definition`.
public struct JobDefinition: Hashable, Sendable {
    /// A row that is inserted when the job is accepted, in the state that the job brings to its end.
    public enum Creation: Hashable, Sendable {
        case site
        case environment
    }

    /// Whether the job backs its environment up before it changes anything.
    public enum Snapshot: Hashable, Sendable {
        case never
        /// Only where no full backup is fresh.
        case whenStale
        case always
    }

    public let type: JobType
    public let feature: Feature
    /// Belongs to no site.
    public var isGlobal = false
    /// Reachable through an operation of the matrix.
    public var isExposed = true
    /// The state that site and environment have while it is under way; nil where it moves neither.
    public var startStatus: LifecycleStatus?
    public var creates: Creation?
    /// States of the site in which it is accepted and may start.
    public var siteStates: Set<LifecycleStatus> = Set(LifecycleStatus.allCases)
    /// States of the environment it names in which it is accepted and may start.
    public var environmentStates: Set<LifecycleStatus> = [.active]
    public var snapshot = Snapshot.never
    /// The release that its success leaves; nil where none.
    public var release: ReleasePlan?
    /// A `health_check` follows its success.
    public var checksHealth = false
    /// It changes the data of its environment, so that what was measured or stored before is no longer fresh.
    public var changesData = false
    /// It makes production another one, so that the drift of every environment made from it is unknown again.
    public var outdatesDrift = false
    /// Needs the object store.
    public var needsStorage = false

    init(_ type: JobType, _ feature: Feature, _ adjust: (inout JobDefinition) -> Void = { _ in }) {
        self.type = type
        self.feature = feature
        adjust(&self)
    }

    /// File name in `deploy/ansible/playbooks`: the type with hyphens.
    public var playbook: String { String(type.rawValue.map { $0 == "_" ? "-" : $0 }) + ".yml" }

    public var movesLifecycle: Bool { startStatus != nil }
}
