import Encoding
import Postgres
import SiteControlDomain
import TestSupport
import Testing

@testable import SiteControl

/// Reference 2.5: what each job type changes at its start, at its success and at its end without success.
@Suite struct EffectTests {
    private static let healthAfter: Set<JobType> = [
        .siteImport, .environmentDeploy, .environmentUpdate, .environmentRestore, .environmentPromote,
    ]

    /// A bed with a fitting job of the type.
    private static func prepared(_ type: JobType, _ bed: JobBed) async throws -> (site: JobBed.Site, job: UUID, backup: UUID?) {
        switch type {
        case .siteCreate:
            let site = try await bed.site(site: .deploying, production: .deploying)
            return (site, try await bed.enqueue(type, site), nil)
        case .environmentCreate:
            let site = try await bed.site()
            try await bed.database.execute("UPDATE environments SET status = 'cloning' WHERE id = \(site.staging)")
            let job = try await bed.enqueue(
                type, site, environment: site.staging, payload: ["source_environment_id": .string(site.production.description)])
            return (site, job, nil)
        default: break
        }
        let site = try await bed.site(on: type == .nodeProvision ? bed.node(.provisioning) : nil)
        var payload = JSONObject()
        var backup: UUID?
        switch type.definition.snapshot {
        case .always, .whenStale:
            let planned = try await bed.backup(of: site.production)
            payload["snapshot_backup_id"] = .string(planned.description)
            backup = planned
        case .never: break
        }
        var environment = site.production
        switch type {
        case .siteImport: payload["archive_url"] = "https://user:secret@example.com/a.tar.gz?sign=1"
        case .environmentDeploy:
            payload["source_type"] = "git"
            payload["source_ref"] = "https://example.com/repo.git#v2"
        case .environmentUpdate: payload["scope"] = "plugins"
        case .environmentRestore: payload["backup_id"] = .string(try await bed.backup(of: site.production, .completed).description)
        case .environmentPromote: payload["source_environment_id"] = .string(site.staging.description)
        case .cacheToggle: payload["redis_cache_enabled"] = false
        case .backupCreate:
            let planned = try await bed.backup(of: site.production)
            payload["backup_id"] = .string(planned.description)
            backup = planned
        case .domainAdd:
            payload["domain_id"] = .string(try await bed.domain(of: site.production).description)
            payload["make_primary"] = true
        case .domainRemove:
            let domain = try await bed.domain(of: site.production, .active)
            try await bed.database.execute("UPDATE environments SET primary_domain_id = \(domain) WHERE id = \(site.production)")
            payload["domain_id"] = .string(domain.description)
            payload["was_primary"] = true
        case .driftCheck:
            environment = site.staging
            payload["preset"] = "content-protect"
        case .healthCheck: payload["release_id"] = .string(site.release.description)
        case .backupCleanup:
            let gone = try await bed.backup(of: site.production, .completed, expired: true)
            payload["backup_ids"] = [.string(gone.description)]
            backup = gone
        case .releaseRollback:
            let bad = UUID.random()
            _ = try await bed.database.group([
                """
                INSERT INTO releases (id, environment_id, source_type, source_ref, path, health_status)
                VALUES (\(bad), \(site.production), 'git', 'x', 'bad', 'unhealthy')
                """,
                "UPDATE environments SET current_release_id = \(bad) WHERE id = \(site.production)",
            ])
            payload["release_id"] = .string(bad.description)
            payload["target_release_id"] = .string(site.release.description)
        default: break
        }
        return (site, try await bed.enqueue(type, site, environment: environment, payload: .object(payload)), backup)
    }

    private static func environment(_ type: JobType, _ site: JobBed.Site) -> UUID {
        type == .environmentCreate || type == .driftCheck ? site.staging : site.production
    }

    @Test("a job moves what it belongs to at its start, and to its end at success", arguments: JobType.allCases)
    func success(_ type: JobType) async throws {
        try await JobBed.run { bed in
            let (site, job, backup) = try await Self.prepared(type, bed)
            let (environment, status) = (Self.environment(type, site), type.definition.startStatus)
            let gate = Gate()
            let executor = ScriptedExecutor { attempt, _ in
                // What follows a job waits too.
                guard attempt.type == type else {
                    return AttemptReport(outcome: await gate.pass() ? .succeeded(.plain(for: attempt)) : .stopped, outputTail: "")
                }
                _ = await gate.pass()
                return AttemptReport(outcome: .succeeded(.plain(for: attempt)), outputTail: "done")
            }
            try await bed.withEngine(executor, slots: 1) {
                await gate.arrivals()
                #expect(try await bed.status(ofEnvironment: environment) == status ?? .active)
                #expect(try await bed.status(ofSite: site.site) == status ?? .active)
                if let backup, type != .backupCleanup { #expect(try await bed.status(ofBackup: backup) == "running") }
                gate.open()
                let state = try await bed.ending(of: job)
                #expect(state.status == .succeeded && state.attempts == 1 && state.code == nil && state.audit == "succeeded")
                #expect(state.tail == "done")
            }
            #expect(try await bed.status(ofEnvironment: environment) == .active)
            #expect(try await bed.status(ofSite: site.site) == .active)
            #expect(Array(try await bed.events(job)) == ["state queued", "state running", "state succeeded"])
            #expect(try await bed.status(ofNode: site.node) == .active)
            let follow = try await bed.database.query(
                "SELECT job_type FROM jobs WHERE payload_json->>'parent_job_id' = \(job.description)" as SQL<String>)
            #expect(follow == (Self.healthAfter.contains(type) ? ["health_check"] : []))
            if let backup { #expect(try await bed.status(ofBackup: backup) == (type == .backupCleanup ? "expired" : "completed")) }
            try await Self.checkParticulars(type, site, job, bed)
        }
    }

    private static func checkParticulars(_ type: JobType, _ site: JobBed.Site, _ job: UUID, _ bed: JobBed) async throws {
        let environment = environment(type, site)
        let release = try await bed.value(
            """
            SELECT r.source_type, r.source_ref, coalesce(r.notes, '-'), r.health_status, r.path
            FROM environments e JOIN releases r ON r.id = e.current_release_id WHERE e.id = \(environment)
            """ as SQL<Columns<String, String, String, String, String>>
        ).values
        if type.definition.release != nil { #expect(release.4 == "/var/www/releases/\(job)") }
        switch type {
        case .siteCreate: #expect((release.0, release.1, release.2, release.3) == ("upload", "builtin:wordpress", "6.9", "healthy"))
        case .siteImport: #expect((release.0, release.1, release.2) == ("upload", "https://example.com/a.tar.gz", "import"))
        case .environmentCreate:
            #expect((release.0, release.1) == ("git", "https://example.com/repo.git#main"))
            #expect(release.2 == "clone of \(site.production)" && release.3 == "healthy")
            #expect(try await baselines(of: site.staging, bed) == 1)
        case .environmentDeploy: #expect((release.0, release.1, release.2) == ("git", "https://example.com/repo.git#v2", "-"))
        case .environmentUpdate: #expect((release.1, release.2) == ("https://example.com/repo.git#main", "updates: plugins"))
        case .environmentRestore: #expect(release.1.hasPrefix("s3://b/") && release.2.hasPrefix("restore of "))
        case .environmentPromote:
            #expect(release.2 == "promotion of \(site.staging)")
            #expect(try await baselines(of: site.staging, bed) == 1)
        case .cacheToggle:
            let flags = try await bed.value(
                "SELECT fastcgi_cache_enabled, redis_cache_enabled FROM environments WHERE id = \(environment)"
                    as SQL<Columns<Bool, Bool>>
            ).values
            #expect(flags == (true, false))
        case .domainAdd:
            let row = try await bed.value(
                "SELECT d.tls_status, e.primary_domain_id = d.id FROM domains d JOIN environments e ON e.id = d.environment_id"
                    as SQL<Columns<String, Bool?>>
            ).values
            #expect(row == ("active", true))
        case .domainRemove:
            #expect(try await bed.value("SELECT count(*) FROM domains" as SQL<Int>) == 0)
            #expect(try await bed.value("SELECT count(*) FROM environments WHERE primary_domain_id IS NOT NULL" as SQL<Int>) == 0)
        case .nodeProvision:
            #expect(try await bed.value("SELECT host(public_ip) FROM nodes WHERE id = \(site.node)" as SQL<String>) == "203.0.113.7")
        case .healthCheck: #expect(release.3 == "healthy")
        case .releaseRollback: #expect(release.4 == "r1")
        case .driftCheck:
            // Without a baseline cleanliness cannot be shown.
            #expect(try await bed.value("SELECT drift_status FROM environments WHERE id = \(environment)" as SQL<String>) == "drifted")
        case .cachePurge, .backupCreate, .backupCleanup: break
        }
    }

    private static func baselines(of environment: UUID, _ bed: JobBed) async throws -> Int {
        try await bed.value("SELECT count(*) FROM drift_checks WHERE environment_id = \(environment) AND kind = 'baseline'" as SQL<Int>)
    }

    @Test("a job that fails for good, or is cancelled while it runs, leaves what it had begun failed", arguments: JobType.allCases, [false, true])
    func failure(_ type: JobType, cancelled: Bool) async throws {
        try await JobBed.run { bed in
            let (site, job, backup) = try await Self.prepared(type, bed)
            let release = try await bed.value(
                "SELECT current_release_id FROM environments WHERE id = \(Self.environment(type, site))" as SQL<UUID>)
            let gate = Gate()
            let executor = ScriptedExecutor { _, _ in
                guard cancelled else {
                    return AttemptReport(outcome: .failed(.ansibleSyntaxError, message: "line 3"), outputTail: "tail")
                }
                return AttemptReport(outcome: await gate.pass() ? .failed(.jobTimeout, message: "?") : .stopped, outputTail: "tail")
            }
            try await bed.withEngine(executor) {
                if cancelled {
                    await gate.arrivals()
                    _ = try await bed.database.group([
                        "UPDATE jobs SET cancel_requested_at = now() WHERE id = \(job)",
                        "SELECT pg_notify('job_cancel', \(job.description))",
                    ])
                }
                let state = try await bed.ending(of: job)
                #expect(state.status == (cancelled ? .cancelled : .failed) && state.audit == (cancelled ? "cancelled" : "failed"))
                #expect(state.code == (cancelled ? nil : "ANSIBLE_SYNTAX_ERROR") && state.tail == "tail")
            }
            let moved = type.definition.movesLifecycle
            #expect(try await bed.status(ofEnvironment: Self.environment(type, site)) == (moved ? .failed : .active))
            #expect(try await bed.status(ofSite: site.site) == (moved ? .failed : .active))
            #expect(
                try await bed.value(
                    "SELECT current_release_id FROM environments WHERE id = \(Self.environment(type, site))" as SQL<UUID>) == release)
            if let backup { #expect(try await bed.status(ofBackup: backup) == (type == .backupCleanup ? "completed" : "failed")) }
            if type == .environmentRestore {
                #expect(try await bed.value("SELECT count(*) FROM backups WHERE status = 'completed'" as SQL<Int>) == 1)
            }
            if type == .domainAdd { #expect(try await bed.value("SELECT tls_status FROM domains" as SQL<String>) == "failed") }
            if type == .domainRemove { #expect(try await bed.value("SELECT tls_status FROM domains" as SQL<String>) == "active") }
            #expect(try await bed.value("SELECT count(*) FROM jobs" as SQL<Int>) == 1)
            #expect(try await bed.value("SELECT count(*) FROM drift_checks" as SQL<Int>) == 0)
        }
    }
}
