/// Whether production still is what an environment was made from (reference 4.7).
public enum DriftStatus: String, StateMachine {
    /// Never checked, or production changed through a promotion, an import or a restore since.
    case unknown
    case clean
    case drifted

    public static let transitions: [Self: Set<Self>] = [
        .unknown: [.clean, .drifted],
        .clean: [.drifted, .unknown],
        .drifted: [.clean, .unknown],
    ]
}
