import Encoding
import Foundation
import TestSupport
import Testing

/// Cancellation (5.8) and the two resets (2.6).
@Suite(.serialized) struct JobControlConformanceTests {
    let panel: Panel

    init() async throws { panel = try await Panel.shared() }

    private func cancel(_ job: String, on other: Panel? = nil) async throws -> Answer {
        try await (other ?? panel).send("POST", "/api/jobs/\(job)/cancel")
    }

    private func expectCancelled(_ answer: Answer, _ status: String = "cancelled", _ location: SourceLocation = #_sourceLocation) {
        #expect(answer.status == 200, "\(answer.text)", sourceLocation: location)
        #expect(answer.json.object?.keys.sorted() == ["status", "success"], sourceLocation: location)
        #expect(answer.json["success"]?.bool == true && answer.json["status"]?.string == status, sourceLocation: location)
    }

    // MARK: Queued

    @Test("a queued job is cancelled at once; what it would have changed is untouched")
    func queued() async throws {
        let site = try await panel.seed()
        let job = try await panel.accept("POST", "/api/environments/\(site.staging)/deploy", #"{"source_type":"git","source_ref":"https://git.example/a"}"#)
        expectCancelled(try await cancel(job))
        let shown = try await panel.get("/api/jobs/\(job)")
        Shape.expect(shown, Shape.job)
        #expect(shown["status"] == "cancelled" && shown["finished_at"]?.string != nil && shown["error_code"]?.isNull == true)
        #expect(try await panel.get("/api/environments/\(site.staging)")["status"] == "active")
        #expect(try await panel.get("/api/sites/\(site.site)")["status"] == "active")
        #expect(try await panel.row("SELECT result FROM audit_logs WHERE job_id = '\(job)' AND action = 'env_deploy'")["result"] == "cancelled")
        let row = try await panel.row("SELECT * FROM audit_logs WHERE action = 'job_cancel' AND resource_id = '\(job)'")
        #expect(row["resource_type"] == "job" && row["result"] == "succeeded")
        try await cancel(job).expectError(409, "job_not_cancellable")
        #expect(try await panel.count("audit_logs WHERE action = 'job_cancel' AND resource_id = '\(job)'") == 1, "refused calls are not audited")
        try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge")
    }

    @Test("the pending backup of a cancelled job has failed", arguments: ["backup_create", "env_restore", "env_update", "site_import"])
    func backup(_ type: String) async throws {
        let site = try await panel.seed()
        let restored = try await panel.seedBackup(site.staging, age: "2 hours")
        let (target, body): (String, String) =
            switch type {
            case "backup_create": ("/api/environments/\(site.staging)/backups", #"{"backup_scope":"db"}"#)
            case "env_restore": ("/api/environments/\(site.staging)/restore", #"{"backup_id":"\#(restored)"}"#)
            case "env_update": ("/api/environments/\(site.staging)/updates", #"{"scope":"core"}"#)
            default: ("/api/sites/\(site.site)/import", #"{"archive_url":"https://files.example/a"}"#)
            }
        expectCancelled(try await cancel(try await panel.accept("POST", target, body)))
        let environment = type == "site_import" ? site.production : site.staging
        let states = try await panel.rows("SELECT status FROM backups WHERE environment_id = '\(environment)' AND id <> '\(restored)'")
        #expect(states.map { $0["status"]?.string } == ["failed"])
        #expect(try await panel.row("SELECT status FROM backups WHERE id = '\(restored)'")["status"] == "completed")
        #expect(try await panel.get("/api/environments/\(environment)")["status"] == "active")
    }

    @Test("what a cancelled job would have made has failed: it never got a release")
    func created() async throws {
        let slug = "cancel-\(SeededSite.newID().prefix(8))"
        let job = try await panel.accept("POST", "/api/sites", #"{"name":"C","slug":"\#(slug)"}"#)
        expectCancelled(try await cancel(job))
        let shown = try await panel.get("/api/jobs/\(job)")
        #expect(try await panel.get("/api/sites/\(shown["site_id"]?.string ?? "")")["status"] == "failed")
        #expect(try await panel.get("/api/environments/\(shown["environment_id"]?.string ?? "")")["status"] == "failed")

        let site = try await panel.seed()
        let body = #"{"name":"C","slug":"c","type":"clone","promotion_preset":"content-protect"}"#
        let clone = try await panel.accept("POST", "/api/sites/\(site.site)/environments", body)
        expectCancelled(try await cancel(clone))
        let environment = try await panel.get("/api/jobs/\(clone)")["environment_id"]?.string ?? ""
        #expect(try await panel.get("/api/environments/\(environment)")["status"] == "failed")
        #expect(try await panel.get("/api/environments/\(site.production)")["status"] == "active")
        #expect(try await panel.get("/api/sites/\(site.site)")["status"] == "active", "it had not left active")
    }

    @Test("a job that is cancelled between two attempts fails what its first attempt had put in progress", arguments: [
        ("env_deploy", "deploying"), ("env_restore", "restoring"),
    ])
    func betweenAttempts(_ type: String, _ state: String) async throws {
        let site = try await panel.seed(site: state, staging: state)
        let job = try await panel.seedJob(type, site: site.site, environment: site.staging, attempts: 1)
        try await panel.execute(
            "UPDATE jobs SET run_after = now() + interval '1 hour', started_at = now(), error_code = 'ANSIBLE_PLAY_ERROR', error_message = 'x' WHERE id = '\(job)'")
        expectCancelled(try await cancel(job))
        #expect(try await panel.get("/api/environments/\(site.staging)")["status"] == "failed")
        #expect(try await panel.get("/api/environments/\(site.production)")["status"] == "active")
        #expect(try await panel.get("/api/sites/\(site.site)")["status"] == "failed")
    }

    @Test("a finished job cannot be cancelled", arguments: ["succeeded", "failed", "cancelled"])
    func finished(_ status: String) async throws {
        let site = try await panel.seed()
        let job = try await panel.seedJob("cache_purge", site: site.site, environment: site.staging, status: status)
        try await cancel(job).expectError(409, "job_not_cancellable", nil, status)
    }

    // MARK: Running

    @Test("a running job is stopped first, then cancelled; the locks are held until its playbook has ended")
    func running() async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            try panel.playbooks.script(#"{"match": {"job_type": "env_deploy"}, "hang": true}"#)
            let site = try await panel.seed()
            let job = try await panel.accept("POST", "/api/environments/\(site.staging)/deploy", #"{"source_type":"git","source_ref":"https://git.example/a"}"#)
            _ = try await panel.eventually { try panel.playbooks.journal().contains { $0["event"] == "held" } ? true : nil }
            #expect(try await panel.get("/api/environments/\(site.staging)")["status"] == "deploying")
            let answers = [try await cancel(job, on: panel)]
            for answer in answers {
                #expect(answer.status == 200 && ["cancelled", "running"].contains(answer.json["status"]?.string), "\(answer.text)")
            }
            let shown = try await panel.ended(job)
            #expect(shown["status"] == "cancelled" && shown["error_code"]?.isNull == true && shown["locked_by"]?.isNull == true)
            #expect(try panel.playbooks.journal().contains { $0["event"] == "terminated" })
            #expect(try await panel.get("/api/environments/\(site.staging)")["status"] == "failed")
            #expect(try await panel.get("/api/sites/\(site.site)")["status"] == "failed")
            #expect(try await panel.row("SELECT result FROM audit_logs WHERE job_id = '\(job)' AND action = 'env_deploy'")["result"] == "cancelled")
            // The old release is still the one that is served: it can be reset.
            #expect(try await panel.send("POST", "/api/environments/\(site.staging)/reset").status == 200)
            #expect(try await panel.send("POST", "/api/sites/\(site.site)/reset").status == 200)
        }
    }

    @Test("a playbook that does not heed TERM is killed; cancelling it twice is answered twice and audited once")
    func stubborn() async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            try panel.playbooks.script(#"{"match": {"job_type": "cache_purge"}, "ignore_term": true, "hang": true}"#)
            let site = try await panel.seed()
            let job = try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge")
            let held = try await panel.eventually { try panel.playbooks.journal().first { $0["event"] == "held" } }
            async let one = cancel(job, on: panel)
            async let two = cancel(job, on: panel)
            for answer in try await [one, two] {
                #expect(answer.status == 200 && ["cancelled", "running"].contains(answer.json["status"]?.string), "\(answer.text)")
            }
            #expect(try await panel.ended(job)["status"] == "cancelled")
            #expect(kill(pid_t(held["pid"]?.int ?? 1), 0) == -1, "the playbook is gone when the job is final")
            #expect(try await panel.count("audit_logs WHERE action = 'job_cancel'") == 1)
            #expect(try await panel.get("/api/environments/\(site.staging)")["status"] == "active", "a purge moves nothing")
        }
    }

    // MARK: Resets

    private func expectReset(_ answer: Answer, _ location: SourceLocation = #_sourceLocation) {
        expectCancelled(answer, "active", location)
    }

    @Test("a failed environment with a release that is not unhealthy is reset; one row of audit", arguments: ["unknown", "healthy"])
    func environmentReset(_ health: String) async throws {
        let site = try await panel.seed(staging: "failed")
        if health == "unknown" {
            try await panel.replaceRelease(of: site.staging, health: "unknown")
        }
        let before = try await panel.get("/api/environments/\(site.staging)")["state_version"]?.int ?? 0
        expectReset(try await panel.send("POST", "/api/environments/\(site.staging)/reset"))
        let shown = try await panel.get("/api/environments/\(site.staging)")
        #expect(shown["status"] == "active" && (shown["state_version"]?.int ?? 0) > before)
        let audit = try await panel.row("SELECT * FROM audit_logs WHERE action = 'environment_reset' AND resource_id = '\(site.staging)'")
        #expect(audit["resource_type"] == "environment" && audit["result"] == "succeeded")
        try await panel.send("POST", "/api/environments/\(site.staging)/reset").expectError(409, "resource_not_failed")
    }

    @Test("only what has failed is reset", arguments: ["active", "cloning", "deploying", "restoring"])
    func notFailed(_ state: String) async throws {
        let site = try await panel.seed(site: state, staging: state)
        try await panel.send("POST", "/api/environments/\(site.staging)/reset").expectError(409, "resource_not_failed")
        try await panel.send("POST", "/api/sites/\(site.site)/reset").expectError(409, "resource_not_failed")
        #expect(try await panel.count("audit_logs WHERE resource_id IN ('\(site.staging)', '\(site.site)')") == 0)
    }

    @Test("an environment without a release, with an unhealthy one, or with an open job is not reset")
    func environmentChecks() async throws {
        func expectFailed(_ answer: Answer, _ count: Int, _ location: SourceLocation = #_sourceLocation) {
            answer.expectError(409, "reset_validation_failed", nil, "", location)
            #expect(answer.json["details"]?["failed_checks"]?.array?.count == count, "\(answer.text)", sourceLocation: location)
        }
        let bare = try await panel.seed(site: "failed", production: "failed", staging: "failed", releases: false)
        expectFailed(try await panel.send("POST", "/api/environments/\(bare.staging)/reset"), 1)
        let unhealthy = try await panel.seed(staging: "failed")
        try await panel.replaceRelease(of: unhealthy.staging, health: "unhealthy")
        expectFailed(try await panel.send("POST", "/api/environments/\(unhealthy.staging)/reset"), 1)
        let busy = try await panel.seed(staging: "failed")
        try await panel.seedJob("cache_purge", site: busy.site, environment: busy.production)
        expectFailed(try await panel.send("POST", "/api/environments/\(busy.staging)/reset"), 1)
        let both = try await panel.seed(staging: "failed")
        try await panel.replaceRelease(of: both.staging, health: "unhealthy")
        try await panel.seedJob("cache_purge", site: both.site, environment: both.production, status: "running")
        expectFailed(try await panel.send("POST", "/api/environments/\(both.staging)/reset"), 2)
        #expect(try await panel.get("/api/environments/\(both.staging)")["status"] == "failed")
    }

    @Test("a failed site is reset when its primary environment is active and nothing runs")
    func siteReset() async throws {
        let site = try await panel.seed(site: "failed", staging: "failed")
        expectReset(try await panel.send("POST", "/api/sites/\(site.site)/reset"))
        #expect(try await panel.get("/api/sites/\(site.site)")["status"] == "active")
        #expect(try await panel.get("/api/environments/\(site.staging)")["status"] == "failed", "that is its own matter")
        let audit = try await panel.row("SELECT * FROM audit_logs WHERE action = 'site_reset' AND resource_id = '\(site.site)'")
        #expect(audit["resource_type"] == "site" && audit["result"] == "succeeded")

        let primary = try await panel.seed(site: "failed", production: "failed")
        try await panel.send("POST", "/api/sites/\(primary.site)/reset").expectError(409, "reset_validation_failed")
        let busy = try await panel.seed(site: "failed")
        try await panel.seedJob("cache_purge", site: busy.site, environment: busy.production)
        try await panel.send("POST", "/api/sites/\(busy.site)/reset").expectError(409, "reset_validation_failed")
        // Production first, then the site.
        expectReset(try await panel.send("POST", "/api/environments/\(primary.production)/reset"))
        expectReset(try await panel.send("POST", "/api/sites/\(primary.site)/reset"))
    }
}

extension Panel {
    /// A newer release in place of the current one.
    func replaceRelease(of environment: String, health: String) async throws {
        let id = SeededSite.newID()
        try await execute(
            """
            INSERT INTO releases (id, environment_id, source_type, source_ref, path, health_status)
            VALUES ('\(id)', '\(environment)', 'git', 'https://git.example/a', '/var/www/sites/x/\(environment)/releases/\(id)', '\(health)')
            """,
            "UPDATE environments SET current_release_id = '\(id)' WHERE id = '\(environment)'")
    }
}
