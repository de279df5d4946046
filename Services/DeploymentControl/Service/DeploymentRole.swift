public import ServiceKit

/// Who may do what (reference 8.3).
public enum DeploymentRole: String, ServiceRole {
    case observer
    case deployer
    case ciPublisher = "ci-publisher"
    case admin

    public enum Permission: String, Hashable, Sendable, CaseIterable {
        case read
        case deploy
        case publish
        case administer
    }

    public var permissions: Set<Permission> {
        switch self {
        case .observer: [.read]
        case .deployer: [.read, .deploy]
        case .ciPublisher: [.read, .publish]
        case .admin: [.read, .deploy, .publish, .administer]
        }
    }
}

typealias DeploymentRoute = Route<DeploymentRole>
