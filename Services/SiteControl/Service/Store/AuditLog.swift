import Encoding
import Postgres
import SiteControlDomain

/// Writes the audit log, in the transaction of what it tells of.
enum AuditLog {
    enum Action: Hashable, Sendable {
        case job(JobType)
        case login
        case logout
        case magicLogin
        case jobCancel
        case siteReset
        case environmentReset
        case settingsUpdate

        var name: String {
            switch self {
            case .job(let type): type.rawValue
            case .login: "login"
            case .logout: "logout"
            case .magicLogin: "magic_login"
            case .jobCancel: "job_cancel"
            case .siteReset: "site_reset"
            case .environmentReset: "environment_reset"
            case .settingsUpdate: "settings_update"
            }
        }
    }

    enum Resource: String, PostgresEncodable {
        case session, site, environment, backup, domain, job, setting, node
    }

    enum Result: String, PostgresEncodable {
        case accepted, succeeded, failed, cancelled
    }

    /// - Parameters:
    ///   - id: of the row, new.
    ///   - job: the one that carries the action out, or that it is about.
    static func append(
        _ id: UUID, _ actor: Actor, _ action: Action, _ resource: Resource, _ resourceID: String, _ result: Result,
        job: UUID? = nil
    ) -> Command {
        """
        INSERT INTO audit_logs (id, user_id, token_id, actor, action, resource_type, resource_id, result, job_id)
        VALUES (\(id), \(actor.userID), \(actor.tokenID), \(actor.name), \(action.name), \(resource), \(resourceID), \
        \(result), \(job))
        """
    }
}
