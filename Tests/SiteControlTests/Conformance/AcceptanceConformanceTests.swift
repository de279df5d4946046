import Encoding
import TestSupport
import Testing

/// What each async operation writes when it is accepted (the lines "at request" of 2.4), before any worker has looked at it.
@Suite(.serialized) struct AcceptanceConformanceTests {
    let panel: Panel

    init() async throws { panel = try await Panel.shared() }

    /// The queued job of an accepted call, with the one audit row that belongs to it.
    private func job(
        _ id: String, _ type: String, environment: String?, audit resource: (String, String)? = nil, _ location: SourceLocation = #_sourceLocation
    ) async throws -> JSONValue {
        let job = try await panel.row("SELECT * FROM jobs WHERE id = '\(id)'", location)
        #expect(job["job_type"]?.string == type, sourceLocation: location)
        #expect(job["status"] == "queued" && job["attempt_count"] == 0 && job["max_attempts"] == 3, sourceLocation: location)
        if let environment { #expect(job["environment_id"]?.string == environment, sourceLocation: location) }
        let audit = try await panel.row("SELECT * FROM audit_logs WHERE job_id = '\(id)'", location)
        #expect(audit["action"]?.string == type && audit["result"] == "accepted", sourceLocation: location)
        if let resource {
            #expect(audit["resource_type"]?.string == resource.0, sourceLocation: location)
            #expect(audit["resource_id"]?.string == resource.1, sourceLocation: location)
        }
        Shape.expect(try await panel.get("/api/jobs/\(id)"), Shape.job, location)
        return job
    }

    private func environment(_ id: String) async throws -> JSONValue { try await panel.get("/api/environments/\(id)") }

    @Test("a new site has its production environment at once, both deploying, found through the job")
    func siteCreate() async throws {
        let slug = "new-\(SeededSite.newID().prefix(8))"
        let id = try await panel.accept("POST", "/api/sites", #"{"name":" My Blog ","slug":"\#(slug)"}"#)
        let job = try await job(id, "site_create", environment: nil)
        let site = try await panel.get("/api/sites/\(job["site_id"]?.string ?? "")")
        Shape.expect(site, Shape.site)
        #expect(site["status"] == "deploying" && site["slug"]?.string == slug)
        #expect(site["name"]?.string?.contains("My Blog") == true)
        #expect(site["primary_environment_id"] == job["environment_id"])
        let environments = try #require(try await panel.get("/api/sites/\(job["site_id"]?.string ?? "")/environments").array)
        try #require(environments.count == 1)
        let production = environments[0]
        Shape.expect(production, Shape.environment)
        let id8 = production["id"]?.string?.prefix(8) ?? ""
        #expect(production["environment_type"] == "production" && production["slug"] == "production")
        #expect(production["status"] == "deploying" && production["promotion_preset"] == "content-protect")
        #expect(production["fastcgi_cache_enabled"]?.bool == true && production["redis_cache_enabled"]?.bool == true)
        #expect(production["drift_status"] == "unknown" && production["current_release_id"]?.isNull == true)
        #expect(production["preview_url"]?.string == "http://\(id8).198-51-100-7.sslip.io")
        #expect(production["node_id"]?.string == panel.nodeID && job["node_id"]?.string == panel.nodeID)
        #expect(production["source_environment_id"]?.isNull == true)
        #expect(try await panel.count("releases WHERE environment_id = '\(production["id"]?.string ?? "")'") == 0)
    }

    @Test("a new environment is cloning beside its source; the source is production unless one is named", arguments: [
        "", #","source_environment_id":null"#, "staging",
    ])
    func environmentCreate(_ source: String) async throws {
        let site = try await panel.seed()
        let member = source == "staging" ? #","source_environment_id":"\#(site.staging)""# : source
        let id = try await panel.accept(
            "POST", "/api/sites/\(site.site)/environments",
            #"{"name":"Copy","slug":"copy","type":"clone","promotion_preset":"commerce-protect"\#(member)}"#)
        let job = try await job(id, "env_create", environment: nil)
        let made = try await environment(job["environment_id"]?.string ?? "")
        Shape.expect(made, Shape.environment)
        #expect(made["status"] == "cloning" && made["environment_type"] == "clone" && made["promotion_preset"] == "commerce-protect")
        #expect(made["source_environment_id"]?.string == (source == "staging" ? site.staging : site.production))
        #expect(job["payload_json"]?["source_environment_id"] == made["source_environment_id"])
        #expect(made["node_id"]?.string == panel.nodeID && made["drift_status"] == "unknown")
        #expect(made["current_release_id"]?.isNull == true)
        #expect(try await panel.get("/api/sites/\(site.site)")["status"] == "active", "until the job starts")
    }

    @Test("an import plans a full snapshot of the primary environment")
    func siteImport() async throws {
        let site = try await panel.seed()
        let id = try await panel.accept("POST", "/api/sites/\(site.site)/import", #"{"archive_url":"https://user:s3cr3t-userinfo@files.example/a.tar.gz"}"#)
        let job = try await job(id, "site_import", environment: site.production, audit: ("site", site.site))
        try await expectSnapshot(job, of: site.production)
        #expect(try await environment(site.production)["status"] == "active")
        let audit = try await panel.row("SELECT * FROM audit_logs WHERE job_id = '\(id)'")
        #expect(!String(decoding: audit.bytes, as: UTF8.self).contains("s3cr3t-userinfo"))
    }

    private func expectSnapshot(_ job: JSONValue, of environment: String, _ location: SourceLocation = #_sourceLocation) async throws {
        let backups = try #require(try await panel.get("/api/environments/\(environment)/backups").array?.filter { $0["status"] == "pending" })
        try #require(backups.count == 1, sourceLocation: location)
        let backup = backups[0]
        #expect(backup["backup_scope"] == "full", sourceLocation: location)
        #expect(job["payload_json"]?["snapshot_backup_id"] == backup["id"], sourceLocation: location)
    }

    @Test("a deployment is queued and changes nothing yet", arguments: [
        ("git", "git@git.example:a/b.git"), ("git", "https://git.example/a.git#branch"), ("upload", "s3://bucket/key.tar.gz"),
    ])
    func deploy(_ type: String, _ reference: String) async throws {
        let site = try await panel.seed()
        let before = try await environment(site.staging)
        let id = try await panel.accept("POST", "/api/environments/\(site.staging)/deploy", #"{"source_type":"\#(type)","source_ref":"\#(reference)"}"#)
        let job = try await job(id, "env_deploy", environment: site.staging, audit: ("environment", site.staging))
        #expect(job["payload_json"]?["source_type"]?.string == type && job["payload_json"]?["source_ref"]?.string == reference)
        #expect(try await environment(site.staging) == before)
    }

    /// What there is before the update; whether a snapshot is planned.
    static let freshness: [(String, String, String, Bool)] = [
        ("none", "", "", true), ("full", "completed", "1 minute", false), ("full", "completed", "59 minutes", false),
        ("full", "completed", "61 minutes", true), ("db", "completed", "1 minute", true), ("files", "completed", "1 minute", true),
        ("full", "failed", "1 minute", true), ("full", "expired", "1 minute", true), ("full", "pending", "1 minute", true),
    ]

    @Test("an update takes a snapshot unless there is a fresh full backup", arguments: freshness)
    func update(_ scope: String, _ status: String, _ age: String, _ isPlanned: Bool) async throws {
        let site = try await panel.seed()
        if scope != "none" { try await panel.seedBackup(site.staging, scope: scope, status: status, age: age) }
        let before = try await panel.count("backups WHERE environment_id = '\(site.staging)'")
        let id = try await panel.accept("POST", "/api/environments/\(site.staging)/updates", #"{"scope":"themes"}"#)
        let job = try await job(id, "env_update", environment: site.staging)
        #expect(job["payload_json"]?["scope"] == "themes")
        #expect((job["payload_json"]?["snapshot_backup_id"]?.isNull ?? true) == !isPlanned)
        #expect(try await panel.count("backups WHERE environment_id = '\(site.staging)'") == before + (isPlanned ? 1 : 0))
    }

    @Test("a backup is not fresh when the environment was changed after it", arguments: [
        ("env_deploy", "succeeded", true), ("env_deploy", "failed", true), ("env_restore", "succeeded", true), ("cache_purge", "succeeded", false),
        ("drift_check", "succeeded", false), ("backup_create", "succeeded", false), ("health_check", "succeeded", false),
    ])
    func updateAfterChange(_ type: String, _ status: String, _ isPlanned: Bool) async throws {
        let site = try await panel.seed()
        try await panel.seedBackup(site.staging, age: "20 minutes")
        try await panel.seedJob(type, site: site.site, environment: site.staging, status: status, age: "10 minutes")
        try await panel.seedJob("env_deploy", site: site.site, environment: site.production, status: "succeeded", age: "5 minutes")
        let id = try await panel.accept("POST", "/api/environments/\(site.staging)/updates", #"{"scope":"all"}"#)
        let payload = try await panel.row("SELECT payload_json AS p FROM jobs WHERE id = '\(id)'")["p"]
        #expect((payload?["snapshot_backup_id"]?.isNull ?? true) == !isPlanned)
    }

    @Test("a restore plans a full snapshot of its target")
    func restore() async throws {
        let site = try await panel.seed()
        let backup = try await panel.seedBackup(site.production, scope: "db")
        let id = try await panel.accept("POST", "/api/environments/\(site.staging)/restore", #"{"backup_id":"\#(backup)"}"#)
        let job = try await job(id, "env_restore", environment: site.staging, audit: ("environment", site.staging))
        #expect(job["payload_json"]?["backup_id"]?.string == backup)
        try await expectSnapshot(job, of: site.staging)
        #expect(try await panel.get("/api/environments/\(site.production)/backups").array?.count == 1)
    }

    @Test("a promotion belongs to its target; the source stands in the payload")
    func promote() async throws {
        let site = try await panel.seed()
        try await panel.seedDrift(site.staging, "clean")
        let backup = try await panel.seedBackup(site.production)
        let id = try await panel.accept("POST", "/api/environments/\(site.staging)/promote", #"{"target_environment_id":"\#(site.production)"}"#)
        let job = try await job(id, "env_promote", environment: site.production)
        #expect(job["payload_json"]?["source_environment_id"]?.string == site.staging)
        #expect(job["payload_json"]?["backup_id"]?.string == backup)
    }

    @Test("a drift check changes none of the environment's drift members yet")
    func driftCheck() async throws {
        let site = try await panel.seed(preset: "commerce-protect")
        let before = try await environment(site.staging)
        let id = try await panel.accept("POST", "/api/environments/\(site.staging)/drift-check")
        let job = try await job(id, "drift_check", environment: site.staging, audit: ("environment", site.staging))
        #expect(job["payload_json"]?["preset"] == "commerce-protect")
        #expect(try await environment(site.staging) == before)
    }

    @Test("of the caches only those that are named go into the job, and the record stays as it is", arguments: [
        (#"{"fastcgi_cache_enabled":false}"#, ["fastcgi_cache_enabled"]), (#"{"redis_cache_enabled":true}"#, ["redis_cache_enabled"]),
        (#"{"fastcgi_cache_enabled":true,"redis_cache_enabled":false}"#, ["fastcgi_cache_enabled", "redis_cache_enabled"]),
    ])
    func cache(_ body: String, _ named: [String]) async throws {
        let site = try await panel.seed()
        let before = try await environment(site.staging)
        let id = try await panel.accept("PATCH", "/api/environments/\(site.staging)/cache", body)
        let job = try await job(id, "env_cache_toggle", environment: site.staging, audit: ("environment", site.staging))
        let flags = try #require(job["payload_json"]?.object).keys.filter { $0.hasSuffix("_enabled") }
        #expect(Set(flags) == Set(named))
        #expect(try await environment(site.staging) == before)
    }

    @Test("a purge is a job and nothing else")
    func purge() async throws {
        let site = try await panel.seed()
        let before = try await environment(site.staging)
        let id = try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge", as: .automation)
        _ = try await job(id, "cache_purge", environment: site.staging, audit: ("environment", site.staging))
        #expect(try await environment(site.staging) == before)
    }

    @Test("a backup is pending with its path and its 30 days, also of a failed environment", arguments: ["db", "files", "full"])
    func backup(_ scope: String) async throws {
        let site = try await panel.seed(staging: "failed")
        let id = try await panel.accept("POST", "/api/environments/\(site.staging)/backups", #"{"backup_scope":"\#(scope)"}"#)
        let job = try await job(id, "backup_create", environment: site.staging)
        let backup = try #require(try await panel.get("/api/environments/\(site.staging)/backups").array?.first)
        Shape.expect(backup, Shape.backup)
        #expect(backup["status"] == "pending" && backup["backup_scope"]?.string == scope)
        #expect(job["payload_json"]?["backup_id"] == backup["id"])
        let path = try #require(backup["storage_path"]?.string)
        #expect(path.hasPrefix("s3://backups/") && path.hasSuffix("\(site.staging)/\(backup["id"]?.string ?? "").tar.gz"), "\(path)")
        let days = try await panel.row(
            "SELECT extract(epoch FROM retention_until - created_at)::bigint / 86400 AS days FROM backups WHERE id = '\(backup["id"]?.string ?? "")'")
        #expect(days["days"] == 30)
        #expect(backup["checksum"]?.isNull == true && backup["size_bytes"]?.isNull == true && backup["completed_at"]?.isNull == true)
    }

    @Test("a domain is pending and not primary yet")
    func domainAdd() async throws {
        let site = try await panel.seed()
        let id = try await panel.accept("POST", "/api/environments/\(site.staging)/domains", #"{"hostname":"\#(site.slug).example"}"#)
        let domain = try #require(try await panel.get("/api/environments/\(site.staging)/domains").array?.first)
        Shape.expect(domain, Shape.domain)
        #expect(domain["tls_status"] == "pending" && domain["hostname"]?.string == "\(site.slug).example")
        let job = try await job(id, "domain_add", environment: site.staging)
        #expect(job["payload_json"]?["domain_id"] == domain["id"])
        #expect(job["payload_json"]?["make_primary"]?.bool == true)
        #expect(try await environment(site.staging)["primary_domain_id"]?.isNull == true)
    }

    @Test("a domain stays listed until its removal has succeeded", arguments: [true, false])
    func domainRemove(_ isPrimary: Bool) async throws {
        let site = try await panel.seed()
        let domain = try await panel.seedDomain(site.staging, "\(site.slug).example", primary: isPrimary)
        let id = try await panel.accept("DELETE", "/api/domains/\(domain)")
        let job = try await job(id, "domain_remove", environment: site.staging, audit: ("domain", domain))
        #expect(job["payload_json"]?["domain_id"]?.string == domain)
        #expect(job["payload_json"]?["was_primary"]?.bool == isPrimary)
        #expect(try await panel.get("/api/environments/\(site.staging)/domains").array?.count == 1)
    }

    @Test("who did it stands in the audit row: the user of a session, the client of a token")
    func actor() async throws {
        for (caller, name) in [(Caller.administrator, Panel.email), (.sessionBearer, Panel.email), (.automation, "robot")] {
            let site = try await panel.seed()
            let id = try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge", as: caller)
            let audit = try await panel.row("SELECT * FROM audit_logs WHERE job_id = '\(id)'")
            #expect(audit["actor"]?.string == name)
            #expect((audit["user_id"]?.isNull == true) == (name == "robot"))
        }
    }
}
