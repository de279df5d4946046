/// The state of a site and of an environment (reference 4.1).
public enum LifecycleStatus: String, StateMachine {
    case active
    case cloning
    case deploying
    case restoring
    /// Left by a reset alone.
    case failed

    public static let transitions: [Self: Set<Self>] = [
        .active: [.cloning, .deploying, .restoring],
        .cloning: [.active, .failed],
        .deploying: [.active, .failed],
        .restoring: [.active, .failed],
        .failed: [.active],
    ]

    /// A job that moves it is under way, waits for its next attempt, or has not begun.
    public var isInProgress: Bool { self != .active && self != .failed }
}
