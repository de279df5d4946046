import Encoding
import Postgres
import SiteControlDomain

/// What a successful job changes (reference 2.5, column "At success"), the job's own row aside. In the transaction that ends it.
struct SuccessEffects {
    let job: JobTicket
    let result: JobResult
    /// The newest baseline of the environment; read before, for a drift check alone.
    let baseline: ProtectedChecksums?
    /// The release that it leaves, where it leaves one.
    let releaseID: UUID

    /// The result is that of another kind of job, or names something that the job does not have.
    struct Mismatch: Error {}

    var commands: [Command] {
        get throws(Mismatch) {
            guard result.type == job.type else { throw Mismatch() }
            return try own() + release() + lifecycle() + drift() + [node]
        }
    }

    // MARK: What is particular to a type

    private func own() throws(Mismatch) -> [Command] {
        switch result {
        case .nodeProvisioned(let address, _):
            return ["UPDATE nodes SET public_ip = \(address)::inet, status = 'active', last_seen_at = now() WHERE id = \(job.nodeID)"]
        case .siteImported(let changed, _, _), .updated(let changed, _), .restored(let changed):
            return snapshot(changed.snapshot)
        case .siteCreated, .environmentCreated, .deployed, .promoted, .cachesPurged: return []
        case .cachesSet(let live):
            let environment = try environment
            // Exactly the named flags are written.
            let named = (job.payload["fastcgi_cache_enabled"]?.bool, job.payload["redis_cache_enabled"]?.bool)
            let (fastCGI, redis) = (named.0.map { live.fastCGI ?? $0 }, named.1.map { live.redis ?? $0 })
            return [
                """
                UPDATE environments SET fastcgi_cache_enabled = coalesce(\(fastCGI), fastcgi_cache_enabled),
                    redis_cache_enabled = coalesce(\(redis), redis_cache_enabled) WHERE id = \(environment)
                """
            ]
        case .backedUp(let object):
            guard let backup = job.id("backup_id") else { throw Mismatch() }
            return [complete(backup, object)]
        case .domainAdded: return try domainAdded()
        case .domainRemoved:
            guard let domain = job.id("domain_id") else { throw Mismatch() }
            return [
                "UPDATE environments SET primary_domain_id = NULL WHERE id = \(try environment) AND primary_domain_id = \(domain)",
                "DELETE FROM domains WHERE id = \(domain)",
            ]
        case .driftMeasured(let now): return DriftEffects.check(job, try environment, DriftComparison(baseline: baseline, now: now), now)
        case .healthChecked(let verdict):
            guard let release = job.id("release_id") else { throw Mismatch() }
            return verdict.isHealthy
                ? ["UPDATE releases SET health_status = 'healthy' WHERE id = \(release) AND health_status = 'unknown'"]
                : ["UPDATE releases SET health_status = 'unhealthy' WHERE id = \(release) AND health_status <> 'unhealthy'"]
        case .cleanedUp(let deleted, let missing):
            // Never another one than those that were named.
            let gone = Set((deleted + missing).compactMap { UUID($0) })
            let named = (job.payload["backup_ids"]?.array ?? []).compactMap { $0.string.flatMap { UUID($0) } }
            let expired = named.filter { gone.contains($0) }
            return ["UPDATE backups SET status = 'expired' WHERE id = ANY (\(expired)) AND status = 'completed'"]
        case .rolledBack:
            guard let target = job.id("target_release_id") else { throw Mismatch() }
            return ["UPDATE environments SET current_release_id = \(target) WHERE id = \(try environment)"]
        }
    }

    private func domainAdded() throws(Mismatch) -> [Command] {
        guard let domain = job.id("domain_id") else { throw Mismatch() }
        var commands: [Command] = [
            "UPDATE domains SET tls_status = 'active' WHERE id = \(domain) AND tls_status = 'pending'"
        ]
        // Only where the playbook has rewritten the addresses to it.
        if job.payload["make_primary"]?.bool == true {
            commands.append(
                "UPDATE environments SET primary_domain_id = \(domain) WHERE id = \(try environment) AND primary_domain_id IS NULL")
        }
        return commands
    }

    private func snapshot(_ object: StoredObject?) -> [Command] {
        guard let backup = job.id("snapshot_backup_id") else { return [] }
        guard let object else {
            return ["UPDATE backups SET status = 'failed' WHERE id = \(backup) AND status IN ('pending', 'running')"]
        }
        return [complete(backup, object)]
    }

    private func complete(_ backup: UUID, _ object: StoredObject) -> Command {
        """
        UPDATE backups SET status = 'completed', checksum = \(object.checksum), size_bytes = \(object.sizeBytes),
            completed_at = now() WHERE id = \(backup) AND status = 'running'
        """
    }

    // MARK: What the registry says

    private func release() throws(Mismatch) -> [Command] {
        guard let plan = job.definition.release else { return [] }
        guard let path = result.releasePath else { throw Mismatch() }
        return ReleaseEffects(
            job: job, plan: plan, environmentID: try environment, releaseID: releaseID, path: path,
            wordPressVersion: result.wordPressVersion
        ).commands
    }

    private func lifecycle() throws(Mismatch) -> [Command] {
        guard let status = job.definition.startStatus?.rawValue else { return [] }
        guard let site = job.siteID else { throw Mismatch() }
        return [
            "UPDATE environments SET status = 'active' WHERE id = \(try environment) AND status = \(status)",
            "UPDATE sites SET status = 'active' WHERE id = \(site) AND status = \(status)",
        ]
    }

    private func drift() throws(Mismatch) -> [Command] {
        var commands: [Command] = []
        switch result {
        case .environmentCreated(_, let measured): commands.append(DriftEffects.baseline(of: try environment, measured))
        case .promoted(_, let measured):
            // The environment that was promoted is measured against production as it is from now on.
            guard let source = job.id("source_environment_id") else { throw Mismatch() }
            commands.append(DriftEffects.baseline(of: source, measured))
        default: break
        }
        if job.definition.outdatesDrift { commands.append(DriftEffects.outdate(environmentsMadeFrom: try environment)) }
        return commands
    }

    /// A node that a job has succeeded on is there. Written once a minute at most: every job would change the row.
    private var node: Command {
        """
        UPDATE nodes SET last_seen_at = now(), status = CASE status WHEN 'unreachable' THEN 'active' ELSE status END
        WHERE id = \(job.nodeID)
            AND (status = 'unreachable' OR last_seen_at IS NULL OR last_seen_at < now() - interval '1 minute')
        """
    }

    private var environment: UUID {
        get throws(Mismatch) {
            guard let id = job.environmentID else { throw Mismatch() }
            return id
        }
    }
}

extension JobResult {
    /// Of the release that the job has made.
    fileprivate var releasePath: String? {
        switch self {
        case .siteCreated(let path, _), .environmentCreated(let path, _): path
        case .siteImported(let changed, _, _), .deployed(let changed), .updated(let changed, _), .restored(let changed),
            .promoted(let changed, _):
            changed.path
        default: nil
        }
    }

    fileprivate var wordPressVersion: String? {
        if case .siteCreated(_, let version) = self { version } else { nil }
    }

    /// Path on the node of the dump that a rollback would load.
    var preChangeDump: String? {
        switch self {
        case .siteImported(let changed, _, _), .deployed(let changed), .updated(let changed, _), .restored(let changed),
            .promoted(let changed, _):
            changed.preChangeDump
        default: nil
        }
    }
}
