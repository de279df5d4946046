/// The state of a node (reference 4.8).
public enum NodeStatus: String, StateMachine {
    case active
    case provisioning
    case unreachable
    case decommissioned

    public static let transitions: [Self: Set<Self>] = [
        .provisioning: [.active, .unreachable, .decommissioned],
        .active: [.unreachable, .decommissioned],
        .unreachable: [.active, .decommissioned],
    ]
}
