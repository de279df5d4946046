import Encoding
import Postgres
import SiteControlDomain

/// What a job changes when it begins (reference 2.5, column "At start"). In the claim's transaction.
struct StartEffects {
    let job: JobTicket

    var commands: [Command] {
        var commands: [Command] = []
        if let status = job.definition.startStatus?.rawValue {
            // A second attempt finds both in that state already, and so does a job that created them.
            if let environment = job.environmentID {
                commands.append(
                    "UPDATE environments SET status = \(status) WHERE id = \(environment) AND status = 'active'")
            }
            if let site = job.siteID {
                commands.append("UPDATE sites SET status = \(status) WHERE id = \(site) AND status = 'active'")
            }
        }
        for backup in job.plannedBackups {
            commands.append("UPDATE backups SET status = 'running' WHERE id = \(backup) AND status = 'pending'")
        }
        return commands
    }

    /// What still happens where the job may not run. A rollback without a target has begun all the same: its environment serves a
    /// release that is known to be bad, and must not stay `active` (reference 8.7).
    func commands(refused refusal: StartCondition.Refusal) -> [Command] {
        refusal.code == .rollbackTargetMissing ? commands : []
    }
}

extension JobTicket {
    /// Backups that this job itself takes: rows that were inserted with it.
    var plannedBackups: [UUID] {
        let own = type == .backupCreate ? id("backup_id") : nil
        return [own, id("snapshot_backup_id")].compactMap { $0 }
    }
}
