import Encoding
import Foundation
import TestSupport
import Testing

/// Section 2.5: what each job type does to its environment and site at its start, at its success and at its terminal failure.
/// The playbooks are scripted; everything else is the service as it runs.
@Suite(.serialized) struct LifeCycleConformanceTests {
    /// A row of 2.5 for a type that an operation asks for.
    struct Row: Sendable, CustomTestStringConvertible {
        let type: String
        let method: String
        /// Of a site that is seeded; BACKUP, TARGET, HOSTNAME and DOMAIN are filled in as well.
        let target: String
        var body: String?
        /// What environment and site are in while it runs; nil where they are not moved.
        var moving: String?
        /// Of the release that it leaves: source type, reference, notes, health.
        var release: (String, String, String?, String)?
        var isChecked = false
        var onProduction = false
        var testDescription: String { type }
    }

    static let rows: [Row] = [
        Row(
            type: "site_import", method: "POST", target: "/api/sites/SITE/import", body: #"{"archive_url":"https://u:p@files.example/a.tar.gz"}"#,
            moving: "deploying", release: ("upload", "https://files.example/a.tar.gz", "import", "unknown"), isChecked: true, onProduction: true),
        Row(
            type: "env_deploy", method: "POST", target: "/api/environments/ENV/deploy", body: #"{"source_type":"git","source_ref":"https://git.example/a#b"}"#,
            moving: "deploying", release: ("git", "https://git.example/a#b", nil, "unknown"), isChecked: true),
        Row(
            type: "env_update", method: "POST", target: "/api/environments/ENV/updates", body: #"{"scope":"plugins"}"#, moving: "deploying",
            release: ("upload", "builtin:wordpress", "updates: plugins", "unknown"), isChecked: true),
        Row(
            type: "env_restore", method: "POST", target: "/api/environments/ENV/restore", body: #"{"backup_id":"BACKUP"}"#, moving: "restoring",
            release: ("upload", "s3://backups/PRODUCTION/BACKUP.tar.gz", "restore of BACKUP", "unknown"), isChecked: true),
        Row(
            type: "env_promote", method: "POST", target: "/api/environments/ENV/promote", body: #"{"target_environment_id":"PRODUCTION"}"#,
            moving: "deploying", release: ("upload", "builtin:wordpress", "promotion of ENV", "unknown"), isChecked: true, onProduction: true),
        Row(type: "drift_check", method: "POST", target: "/api/environments/ENV/drift-check"),
        Row(type: "env_cache_toggle", method: "PATCH", target: "/api/environments/ENV/cache", body: #"{"redis_cache_enabled":false}"#),
        Row(type: "cache_purge", method: "POST", target: "/api/environments/ENV/cache/purge"),
        Row(type: "backup_create", method: "POST", target: "/api/environments/ENV/backups", body: #"{"backup_scope":"db"}"#),
        Row(type: "domain_add", method: "POST", target: "/api/environments/ENV/domains", body: #"{"hostname":"HOSTNAME"}"#),
        Row(type: "domain_remove", method: "DELETE", target: "/api/domains/DOMAIN"),
    ]

    /// With workers, for the rows one after the other.
    private static let working = Task { try await Panel.untilTheEnd(Panel.fastJobs) }

    /// A site with all that a row needs, and the row's job.
    struct Started {
        let site: SeededSite
        let job: String
        /// The environment that the job is of.
        let environment: String
        let other: String
        let fill: (String) -> String
    }

    private func start(_ row: Row, on panel: Panel) async throws -> Started {
        let site = try await panel.seed()
        let backup = try await panel.seedBackup(site.production)
        if row.type == "env_promote" || row.type == "drift_check" { try await panel.seedDrift(site.staging, "clean", kind: "baseline") }
        if row.type == "env_promote" { try await panel.seedDrift(site.staging, "clean") }
        let domain = row.type == "domain_remove" ? try await panel.seedDomain(site.staging, "\(site.slug).example", primary: true) : ""
        let fill = { (text: String) in
            text.replacing("SITE", with: site.site).replacing("ENV", with: site.staging).replacing("PRODUCTION", with: site.production)
                .replacing("BACKUP", with: backup).replacing("HOSTNAME", with: "\(site.slug).example").replacing("DOMAIN", with: domain)
        }
        let job = try await panel.accept(row.method, fill(row.target), row.body.map(fill))
        return Started(
            site: site, job: job, environment: row.onProduction ? site.production : site.staging,
            other: row.onProduction ? site.staging : site.production, fill: fill)
    }

    private func states(_ started: Started, on panel: Panel) async throws -> [String?] {
        [
            try await panel.get("/api/environments/\(started.environment)")["status"]?.string,
            try await panel.get("/api/sites/\(started.site.site)")["status"]?.string,
            try await panel.get("/api/environments/\(started.other)")["status"]?.string,
        ]
    }

    @Test("environment and site move with the job, and the job leaves what it is for", arguments: rows)
    func succeeds(_ row: Row) async throws {
        let panel = try await Self.working.value
        try panel.playbooks.script(#"{"match": {"job_type": "\#(row.type)"}, "hold": "go-\#(row.type)"}"#)
        let started = try await start(row, on: panel)
        let inSite = "environment_id IN ('\(started.site.production)', '\(started.site.staging)')"
        _ = try await panel.eventually {
            try panel.playbooks.journal().contains { $0["event"] == "held" && $0["job_id"]?.string == started.job } ? true : nil
        }
        let moving = row.moving ?? "active"
        #expect(try await states(started, on: panel) == [moving, moving, "active"])
        let running = try await panel.get("/api/jobs/\(started.job)")
        Shape.expect(running, Shape.job)
        #expect(running["status"] == "running" && running["attempt_count"] == 1 && running["locked_by"]?.string != nil)
        #expect(running["started_at"]?.string != nil && running["locked_at"]?.string != nil)
        #expect(try await panel.count("backups WHERE status = 'pending' AND \(inSite)") == 0, "what was pending runs with its job")
        let before = try await panel.get("/api/environments/\(started.environment)")
        let isPlanned = try await panel.count("backups WHERE status = 'running' AND \(inSite)") == 1
        #expect(isPlanned == ["site_import", "env_update", "env_restore", "backup_create"].contains(row.type))
        try panel.playbooks.release("go-\(row.type)")

        let job = try await panel.ended(started.job)
        #expect(job["status"] == "succeeded", "\(job["error_message"]?.string ?? "")")
        #expect(job["error_code"]?.isNull == true && job["error_message"]?.isNull == true && job["locked_by"]?.isNull == true)
        #expect(try await states(started, on: panel) == ["active", "active", "active"])
        #expect(try await panel.row("SELECT result FROM audit_logs WHERE job_id = '\(started.job)'")["result"] == "succeeded")
        #expect(try await panel.count("backups WHERE status IN ('pending', 'running') AND \(inSite)") == 0)
        try await expectRelease(row, started, before: before, on: panel)
        try await expectOutcome(row, started, on: panel)
        try await expectFollowUp(row, started, on: panel)
        let audits = try await panel.count("audit_logs a JOIN jobs j ON j.id = a.job_id WHERE j.site_id = '\(started.site.site)'")
        #expect(audits == 1, "nobody stands behind a follow-up")
    }

    private func expectRelease(_ row: Row, _ started: Started, before: JSONValue, on panel: Panel) async throws {
        let after = try await panel.get("/api/environments/\(started.environment)")
        guard let (type, reference, notes, _) = row.release else {
            #expect(after["current_release_id"] == before["current_release_id"])
            return
        }
        #expect(after["current_release_id"] != before["current_release_id"])
        let release = try await panel.row("SELECT * FROM releases WHERE id = '\(after["current_release_id"]?.string ?? "")'")
        #expect(release["source_type"]?.string == type && release["source_ref"]?.string == started.fill(reference), "\(release["source_ref"]?.string ?? "")")
        #expect(release["notes"]?.string == notes.map(started.fill))
        #expect(release["path"]?.string?.hasPrefix("/var/www/sites/\(started.site.site)/\(started.environment)/releases/") == true)
    }

    private func expectFollowUp(_ row: Row, _ started: Started, on panel: Panel) async throws {
        let others = try await panel.rows("SELECT * FROM jobs WHERE site_id = '\(started.site.site)' AND id <> '\(started.job)'")
        guard row.isChecked else {
            #expect(others.isEmpty)
            return
        }
        try #require(others.count == 1)
        #expect(others[0]["job_type"] == "health_check" && others[0]["environment_id"]?.string == started.environment)
        #expect(others[0]["payload_json"]?["parent_job_id"]?.string == started.job && others[0]["max_attempts"] == 3)
        #expect(try await panel.ended(others[0]["id"]?.string ?? "")["status"] == "succeeded")
        let release = try await panel.row(
            "SELECT r.health_status FROM releases r JOIN environments e ON e.current_release_id = r.id WHERE e.id = '\(started.environment)'")
        #expect(release["health_status"] == "healthy")
    }

    private func expectOutcome(_ row: Row, _ started: Started, on panel: Panel) async throws {
        let environment = try await panel.get("/api/environments/\(started.site.staging)")
        switch row.type {
        case "drift_check":
            #expect(["clean", "drifted"].contains(environment["drift_status"]?.string))
            let record = try await panel.row("SELECT * FROM drift_checks WHERE id = '\(environment["last_drift_check_id"]?.string ?? "")'")
            #expect(record["kind"] == "check" && record["status"] == environment["drift_status"])
            #expect(record["db_checksums_json"]?.object?.isEmpty == false && record["file_checksums_json"]?.object?.isEmpty == false)
        case "env_cache_toggle":
            #expect(environment["redis_cache_enabled"]?.bool == false && environment["fastcgi_cache_enabled"]?.bool == true)
        case "backup_create":
            let backup = try #require(try await panel.get("/api/environments/\(started.site.staging)/backups").array?.first)
            Shape.expect(backup, Shape.backup)
            #expect(backup["status"] == "completed" && (backup["size_bytes"]?.int ?? 0) > 0 && backup["completed_at"]?.string != nil)
            #expect(backup["checksum"]?.string?.hasPrefix("sha256:") == true)
        case "domain_add":
            let domain = try #require(try await panel.get("/api/environments/\(started.site.staging)/domains").array?.first)
            #expect(domain["tls_status"] == "active")
            #expect(environment["primary_domain_id"] == domain["id"], "the first one that is active is primary")
        case "domain_remove":
            #expect(try await panel.get("/api/environments/\(started.site.staging)/domains") == [])
            #expect(environment["primary_domain_id"]?.isNull == true)
        case "env_promote":
            #expect(environment["drift_status"] == "unknown", "production is another now")
        case "env_restore", "env_update", "site_import":
            #expect(try await panel.count("backups WHERE status = 'completed' AND id IN (SELECT (payload_json->>'snapshot_backup_id')::uuid FROM jobs WHERE id = '\(started.job)')") == 1)
        default: break
        }
    }

    @Test("after a terminal failure what the job moved has failed, and nothing else is other than before", arguments: rows)
    func fails(_ row: Row) async throws {
        let panel = try await Self.working.value
        try panel.playbooks.script(#"{"match": {"job_type": "\#(row.type)"}, "exit": 250}"#)
        let started = try await start(row, on: panel)
        let inSite = "environment_id IN ('\(started.site.production)', '\(started.site.staging)')"
        let job = try await panel.ended(started.job)
        Shape.expect(job, Shape.job)
        #expect(job["status"] == "failed" && job["error_code"] == "ANSIBLE_UNEXPECTED_ERROR" && job["attempt_count"] == 1)
        #expect(job["error_message"]?.string?.isEmpty == false && job["finished_at"]?.string != nil)
        let ended = row.moving == nil ? "active" : "failed"
        #expect(try await states(started, on: panel) == [ended, ended, "active"])
        #expect(try await panel.row("SELECT result FROM audit_logs WHERE job_id = '\(started.job)'")["result"] == "failed")
        #expect(try await panel.count("jobs WHERE site_id = '\(started.site.site)'") == 1, "no follow-up")
        #expect(try await panel.count("releases WHERE environment_id = '\(started.environment)'") == 1)
        #expect(try await panel.count("backups WHERE status IN ('pending', 'running') AND \(inSite)") == 0)
        let environment = try await panel.get("/api/environments/\(started.site.staging)")
        switch row.type {
        case "backup_create": #expect(try await panel.count("backups WHERE status = 'failed' AND \(inSite)") == 1)
        case "drift_check":
            #expect(environment["drift_status"] == "unknown" && environment["drift_checked_at"]?.isNull == true)
            #expect(try await panel.count("drift_checks WHERE kind = 'check' AND \(inSite)") == 0)
        case "env_cache_toggle": #expect(environment["redis_cache_enabled"]?.bool == true)
        case "domain_add":
            let domain = try #require(try await panel.get("/api/environments/\(started.site.staging)/domains").array?.first)
            #expect(domain["tls_status"] == "failed" && environment["primary_domain_id"]?.isNull == true)
            // It stays in the way until it is removed; that works, and then it can be added again.
            let body = #"{"hostname":"\#(started.site.slug).example"}"#
            let target = "/api/environments/\(started.site.staging)/domains"
            try await panel.send("POST", target, body).expectError(409, "conflict", "hostname_taken")
            let removal = try await panel.accept("DELETE", "/api/domains/\(domain["id"]?.string ?? "")")
            #expect(try await panel.ended(removal)["status"] == "succeeded")
            try await panel.accept("POST", target, body)
        case "domain_remove":
            let domain = try #require(try await panel.get("/api/environments/\(started.site.staging)/domains").array?.first)
            #expect(domain["tls_status"] == "active" && environment["primary_domain_id"] == domain["id"])
            try panel.playbooks.script()
            let again = try await panel.accept("DELETE", "/api/domains/\(domain["id"]?.string ?? "")")
            #expect(try await panel.ended(again)["status"] == "succeeded")
        default: break
        }
    }
}
