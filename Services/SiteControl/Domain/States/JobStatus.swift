/// The state of a job (reference 4.3).
public enum JobStatus: String, StateMachine {
    case queued
    case running
    case succeeded
    case failed
    case cancelled

    public static let transitions: [Self: Set<Self>] = [
        .queued: [.running, .cancelled],
        .running: [.succeeded, .failed, .queued, .cancelled],
    ]

    /// It keeps its site busy.
    public var isOpen: Bool { self == .queued || self == .running }
}
