import Encoding
import Postgres
import SiteControlDomain

/// What a job that ends without success leaves behind: failed for good, or cancelled, while it waited or while it ran
/// (reference 2.5, 4.6, 5.8). In the transaction that ends the job.
struct FailureEffects {
    let job: JobTicket
    /// nil for a cancelled job.
    let code: JobErrorCode?

    var commands: [Command] {
        var commands: [Command] = []
        // Only from an in-progress state: what never began stays as it is.
        if job.definition.movesLifecycle {
            if let environment = job.environmentID {
                commands.append(
                    """
                    UPDATE environments SET status = 'failed'
                    WHERE id = \(environment) AND status IN ('cloning', 'deploying', 'restoring')
                    """)
            }
            if let site = job.siteID {
                commands.append(
                    "UPDATE sites SET status = 'failed' WHERE id = \(site) AND status IN ('cloning', 'deploying', 'restoring')")
            }
        }
        for backup in job.plannedBackups {
            commands.append("UPDATE backups SET status = 'failed' WHERE id = \(backup) AND status IN ('pending', 'running')")
        }
        if job.type == .domainAdd, let domain = job.id("domain_id") {
            commands.append("UPDATE domains SET tls_status = 'failed' WHERE id = \(domain) AND tls_status = 'pending'")
        }
        if code == .ansibleHostUnreachable {
            commands.append(
                "UPDATE nodes SET status = 'unreachable' WHERE id = \(job.nodeID) AND status IN ('active', 'provisioning')")
        }
        return commands
    }
}
