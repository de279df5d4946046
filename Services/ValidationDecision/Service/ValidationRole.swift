public import ServiceKit

/// Who may do what: a pipeline asks for decisions, a reviewer reads what was decided.
public enum ValidationRole: String, ServiceRole {
    case validator
    case auditor

    public enum Permission: Hashable, Sendable {
        case validate
        case readLog
    }

    public var permissions: Set<Permission> {
        switch self {
        case .validator: [.validate, .readLog]
        case .auditor: [.readLog]
        }
    }
}
