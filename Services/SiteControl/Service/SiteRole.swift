public import ServiceKit

/// Who may do what.
public enum SiteRole: String, ServiceRole {
    /// A person with a session.
    case admin
    /// A program that may do all that the API offers.
    case automation
    case reader

    public enum Permission: String, Hashable, Sendable, CaseIterable {
        case read
        case operate
        case administer
    }

    public var permissions: Set<Permission> {
        switch self {
        case .admin: [.read, .operate, .administer]
        case .automation: [.read, .operate]
        case .reader: [.read]
        }
    }
}

typealias SiteRoute = Route<SiteRole>
