/// The state of a domain's certificate (reference 4.6). From `failed` there is no way back: remove the domain, add it again.
public enum TLSStatus: String, StateMachine {
    case pending
    case active
    case failed
    /// Reserved: nothing sets it.
    case disabled

    public static let transitions: [Self: Set<Self>] = [
        .pending: [.active, .failed]
    ]
}
