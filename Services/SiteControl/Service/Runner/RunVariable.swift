import SiteControlDomain

/// A variable of playbooks: its name, its type, which jobs get it. `deploy/ansible/VARIABLES.md` tells what each means; a test
/// holds the two together.
struct RunVariable: Sendable, Hashable {
    enum Kind: String, Sendable {
        case string, integer, boolean, strings
    }

    let name: String
    let kind: Kind
    let jobs: Set<JobType>
    /// Travels in the variables file only, and is masked in all output.
    let isSecret: Bool

    private init(_ name: String, _ jobs: Set<JobType>, _ kind: Kind = .string, secret: Bool = false) {
        self.name = name
        self.kind = kind
        self.jobs = jobs
        isSecret = secret
    }

    /// In the order of the file. Every variable of a job is always there: what is not set is an empty string or list.
    static let table: [RunVariable] = {
        let every = Set(JobType.allCases)
        let ofSite = every.subtracting([.nodeProvision])
        let releases: Set<JobType> = [
            .siteCreate, .siteImport, .environmentCreate, .environmentDeploy, .environmentUpdate, .environmentRestore,
            .environmentPromote,
        ]
        let fromSource: Set<JobType> = [.environmentCreate, .environmentPromote, .driftCheck]
        let core: Set<JobType> = [.siteCreate, .siteImport, .environmentUpdate, .environmentRestore]
        let snapshots: Set<JobType> = [.siteImport, .environmentUpdate, .environmentRestore]
        let backups: Set<JobType> = [.backupCreate, .environmentRestore, .environmentPromote]
        let storage = snapshots.union(backups).union([.environmentDeploy, .backupCleanup])
        let domains: Set<JobType> = [.domainAdd, .domainRemove]
        let certificates: Set<JobType> = [.domainAdd, .nodeProvision]
        return [
            RunVariable("job_id", every),
            RunVariable("attempt", every, .integer),
            RunVariable("fencing_term", every, .integer),
            RunVariable("result_path", every),
            RunVariable("node_hostname", every),
            RunVariable("node_ssh_user", every),

            RunVariable("site_id", ofSite),
            RunVariable("site_slug", ofSite),
            RunVariable("environment_id", ofSite),
            RunVariable("environment_slug", ofSite),
            RunVariable("environment_type", ofSite),
            RunVariable("environment_root", ofSite),
            RunVariable("environment_user", ofSite),
            RunVariable("database_name", ofSite),
            RunVariable("database_user", ofSite),
            RunVariable("database_password", ofSite, secret: true),
            RunVariable("redis_user", ofSite),
            RunVariable("redis_password", ofSite, secret: true),
            RunVariable("redis_prefix", ofSite),
            RunVariable("canonical_url", ofSite),
            RunVariable("preview_url", ofSite),
            RunVariable("cache_hostnames", ofSite, .strings),
            RunVariable("fastcgi_cache_enabled", ofSite, .boolean),
            RunVariable("redis_cache_enabled", ofSite, .boolean),

            RunVariable("release_name", releases),
            RunVariable("release_path", releases),
            RunVariable("wordpress_source", core),
            RunVariable("wordpress_sha256", core),
            RunVariable("site_title", [.siteCreate]),
            RunVariable("admin_email", [.siteCreate]),
            RunVariable("source_type", [.environmentDeploy]),
            RunVariable("source_ref", [.environmentDeploy]),
            RunVariable("git_ssh_key", [.environmentDeploy], secret: true),
            RunVariable("allow_insecure_sources", [.environmentDeploy, .siteImport], .boolean),
            RunVariable("update_scope", [.environmentUpdate]),
            RunVariable("archive_url", [.siteImport]),
            RunVariable("target_url", [.siteImport]),
            RunVariable("source_environment_id", fromSource),
            RunVariable("source_environment_root", fromSource),
            RunVariable("source_environment_user", fromSource),
            RunVariable("source_database_name", fromSource),
            RunVariable("source_canonical_url", fromSource),
            RunVariable("promotion_preset", fromSource),
            RunVariable("protected_tables", fromSource, .strings),
            RunVariable("protected_paths", fromSource, .strings),
            RunVariable("snapshot_backup_id", snapshots),
            RunVariable("snapshot_storage_path", snapshots),
            RunVariable("backup_id", backups),
            RunVariable("backup_storage_path", backups),
            RunVariable("backup_scope", [.backupCreate, .environmentRestore]),
            RunVariable("backup_checksum", [.environmentRestore]),
            RunVariable("backup_source_url", [.environmentRestore]),
            RunVariable("backup_ids", [.backupCleanup], .strings),
            RunVariable("backup_storage_paths", [.backupCleanup], .strings),
            RunVariable("s3_endpoint", storage),
            RunVariable("s3_region", storage),
            RunVariable("s3_bucket", storage),
            RunVariable("s3_access_key_id", storage, secret: true),
            RunVariable("s3_secret_access_key", storage, secret: true),
            RunVariable("domain_hostname", domains),
            RunVariable("make_primary", [.domainAdd], .boolean),
            RunVariable("was_primary", [.domainRemove], .boolean),
            RunVariable("node_public_ip", certificates),
            RunVariable("acme_server", certificates),
            RunVariable("acme_email", certificates),
            RunVariable("health_hostname", [.healthCheck]),
            RunVariable("health_url", [.healthCheck]),
            RunVariable("target_release_path", [.releaseRollback]),
            RunVariable("pre_change_dump", [.releaseRollback]),
            RunVariable("preview_domain", [.nodeProvision]),
            RunVariable("dns01_provider", [.nodeProvision]),
            RunVariable("dns01_credentials", [.nodeProvision], secret: true),
            RunVariable("control_plane_address", [.nodeProvision]),
        ]
    }()

    static func of(_ job: JobType) -> [RunVariable] { table.filter { $0.jobs.contains(job) } }

    /// The part of `deploy/ansible/VARIABLES.md` that is made from this table: what each job gets, by name.
    static var listing: String {
        let everywhere = table.filter { $0.jobs.count == JobType.allCases.count }
        let ofSites = table.filter { $0.jobs.count == JobType.allCases.count - 1 }
        func names(_ variables: [RunVariable]) -> String {
            variables.map { "`\($0.name)`" + ($0.isSecret ? " **S**" : "") }.joined(separator: ", ")
        }
        var lines = [
            "| Job | Gets |", "|---|---|", "| every job | \(names(everywhere)) |",
            "| every job but node_provision, besides | \(names(ofSites)) |",
        ]
        for job in JobType.allCases {
            let own = of(job).filter { !everywhere.contains($0) && !ofSites.contains($0) }
            if !own.isEmpty { lines.append("| \(job.rawValue), besides | \(names(own)) |") }
        }
        return lines.joined(separator: "\n") + "\n"
    }
}
