/// What is known about a release (reference 4.5).
public enum ReleaseHealth: String, StateMachine {
    case unknown
    case healthy
    case unhealthy

    public static let transitions: [Self: Set<Self>] = [
        .unknown: [.healthy, .unhealthy],
        .healthy: [.unhealthy],
    ]
}
