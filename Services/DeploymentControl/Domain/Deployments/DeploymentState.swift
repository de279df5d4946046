/// The life of a deployment.
public enum DeploymentState: String, CaseIterable, Sendable {
    /// Reserved: holds the global lock, has no execution yet, is not shown to anyone.
    case pending = "PENDING"
    /// The engine runs it.
    case active = "ACTIVE"
    case succeeded = "SUCCEEDED"
    case failed = "FAILED"
    /// A later rollback of it succeeded.
    case rolledBack = "ROLLED_BACK"

    /// The whole machine. An absent pair is refused. A reservation of which the engine started nothing is removed, which is
    /// no state. The schema repeats this table as a trigger.
    public static let transitions: [Self: [DeploymentEvent: Self]] = [
        .pending: [.accepted: .active],
        .active: [.executionSucceeded: .succeeded, .executionFailed: .failed, .released: .failed],
        .succeeded: [.rollbackSucceeded: .rolledBack],
        .failed: [.rollbackSucceeded: .rolledBack],
    ]

    public func after(_ event: DeploymentEvent) -> Self? { Self.transitions[self]?[event] }

    /// In flight: while one deployment is, no other may start.
    public var holdsLock: Bool { self == .pending || self == .active }

    public var isTerminal: Bool { !holdsLock }
}

/// What moves a deployment from one state to the next.
public enum DeploymentEvent: String, CaseIterable, Sendable {
    /// The engine answered with an execution id, or the reconciler found the execution.
    case accepted
    case executionSucceeded
    /// The execution failed, was canceled or has vanished.
    case executionFailed
    /// An operator gave it up.
    case released
    /// A rollback of this deployment succeeded.
    case rollbackSucceeded
}

/// What a deployment is for.
public enum DeploymentKind: String, CaseIterable, Sendable {
    case rollForward = "ROLL_FORWARD"
    case rollback = "ROLLBACK"
}
