import Encoding
import Postgres
import SiteControlDomain

/// What a job's request checked, once more at its start: things may have changed while it waited (reference 5.4).
struct StartCondition {
    let job: ClaimedJob

    struct Refusal: Sendable {
        let code: JobErrorCode
        let message: String
    }

    init(_ job: ClaimedJob) { self.job = job }

    /// - Returns: nil where the job may run.
    func refusal(in transaction: Transaction) async throws(DatabaseError) -> Refusal? {
        if let reason = statesReason { return Refusal(code: .preconditionChanged, message: reason) }
        guard let facts else { return nil }
        return Self.refusal(facts.wants, found: try await transaction.first(facts.question), rollback: job.ticket.type == .releaseRollback)
    }

    // MARK: States of what it belongs to

    private var statesReason: String? {
        let definition = job.ticket.definition
        if job.node == .decommissioned { return "the node is decommissioned" }
        if definition.isGlobal { return nil }
        // An earlier attempt may have left them in the state that this job works in.
        if let site = job.site, !definition.siteStates.contains(site), site != definition.startStatus {
            return "the site is \(site.rawValue)"
        }
        if let environment = job.environment, !definition.environmentStates.contains(environment),
            environment != definition.startStatus
        {
            return "the environment is \(environment.rawValue)"
        }
        return nil
    }

    // MARK: What it works with

    private struct Facts {
        /// States of the thing in which the job may run; nil: it need only exist.
        let wants: (what: String, states: Set<String>?)
        let question: SQL<String>
    }

    /// nil where the type works with nothing but its environment.
    private var facts: Facts? {
        let ticket = job.ticket
        return switch ticket.type {
        case .environmentCreate, .environmentPromote:
            Facts(
                wants: ("the source environment", [LifecycleStatus.active.rawValue]),
                question: "SELECT status FROM environments WHERE id = \(ticket.id("source_environment_id"))")
        case .driftCheck:
            Facts(
                wants: ("the production environment", [LifecycleStatus.active.rawValue]),
                question:
                    "SELECT status FROM environments WHERE site_id = \(ticket.siteID) AND environment_type = 'production'")
        case .environmentRestore:
            Facts(
                wants: ("the backup", [BackupStatus.completed.rawValue]),
                question: "SELECT status FROM backups WHERE id = \(ticket.id("backup_id"))")
        case .backupCreate:
            Facts(
                wants: ("the backup", [BackupStatus.pending.rawValue, BackupStatus.running.rawValue]),
                question: "SELECT status FROM backups WHERE id = \(ticket.id("backup_id"))")
        case .domainAdd:
            Facts(
                wants: ("the domain", [TLSStatus.pending.rawValue]),
                question: "SELECT tls_status FROM domains WHERE id = \(ticket.id("domain_id"))")
        case .domainRemove:
            Facts(
                wants: ("the domain", nil), question: "SELECT tls_status FROM domains WHERE id = \(ticket.id("domain_id"))")
        case .releaseRollback:
            Facts(
                wants: ("an earlier release to go back to", [ReleaseHealth.unknown.rawValue, ReleaseHealth.healthy.rawValue]),
                question:
                    """
                    SELECT health_status FROM releases
                    WHERE id = \(ticket.id("target_release_id")) AND environment_id = \(ticket.environmentID)
                    """)
        case .nodeProvision, .siteCreate, .siteImport, .environmentDeploy, .environmentUpdate, .cacheToggle, .cachePurge,
            .healthCheck, .backupCleanup:
            nil
        }
    }

    private static func refusal(
        _ wants: (what: String, states: Set<String>?), found state: String?, rollback: Bool
    ) -> Refusal? {
        let code: JobErrorCode = rollback ? .rollbackTargetMissing : .preconditionChanged
        guard let state else {
            return Refusal(code: code, message: rollback ? "there is no earlier release to go back to" : "\(wants.what) is gone")
        }
        guard let states = wants.states, !states.contains(state) else { return nil }
        return Refusal(code: code, message: "\(wants.what) is \(state)")
    }
}
