/// What the service remembers about one attempt, as it may be shown: it has an execution.
public struct DeploymentRecord: Sendable, Hashable {
    /// Opaque; a UUID in lower case.
    public var id: String
    public var service: String
    public var environment: String
    /// For a rollback the version that is gone back to.
    public var version: String
    public var changeSummary: String
    public var state: DeploymentState
    /// The deployment that this one undoes.
    public var rollbackOf: String?
    public var executionID: String
    /// A link for people.
    public var executionURL: String
    /// Microseconds since 1970 UTC, when it was reserved.
    public var createdAt: Int64
    /// Microseconds since 1970 UTC, when state or failures last changed.
    public var updatedAt: Int64
    public var failures: [NormalizedFailure]

    public var kind: DeploymentKind { rollbackOf == nil ? .rollForward : .rollback }

    public init(
        id: String, service: String, environment: String, version: String, changeSummary: String,
        state: DeploymentState, rollbackOf: String?, executionID: String, executionURL: String, createdAt: Int64,
        updatedAt: Int64, failures: [NormalizedFailure]
    ) {
        self.id = id
        self.service = service
        self.environment = environment
        self.version = version
        self.changeSummary = changeSummary
        self.state = state
        self.rollbackOf = rollbackOf
        self.executionID = executionID
        self.executionURL = executionURL
        self.createdAt = createdAt
        self.updatedAt = updatedAt
        self.failures = failures
    }
}
