/// The state of a backup (reference 4.4).
public enum BackupStatus: String, StateMachine {
    case pending
    case running
    case completed
    case failed
    /// Its object is gone.
    case expired

    public static let transitions: [Self: Set<Self>] = [
        .pending: [.running, .failed],
        .running: [.completed, .failed],
        .completed: [.expired],
    ]
}
