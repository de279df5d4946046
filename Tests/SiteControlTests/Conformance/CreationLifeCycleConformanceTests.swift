import Encoding
import Foundation
import TestSupport
import Testing

/// Section 2.5 for what comes into being, for jobs that no operation asks for, and for attempts.
@Suite(.serialized) struct CreationLifeCycleConformanceTests {
    @Test("a site that is made is active with a healthy first release; one that cannot be made has failed", arguments: [true, false])
    func siteCreate(_ succeeds: Bool) async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            if !succeeds { try panel.playbooks.script(#"{"match": {"job_type": "site_create"}, "exit": 250}"#) }
            let id = try await panel.accept("POST", "/api/sites", #"{"name":"Blog","slug":"blog"}"#)
            let job = try await panel.ended(id)
            #expect(job["status"]?.string == (succeeds ? "succeeded" : "failed"), "\(job["error_message"]?.string ?? "")")
            let site = try await panel.get("/api/sites/\(job["site_id"]?.string ?? "")")
            let environment = try await panel.get("/api/environments/\(job["environment_id"]?.string ?? "")")
            for shown in [site, environment] { #expect(shown["status"]?.string == (succeeds ? "active" : "failed")) }
            #expect(try await panel.count("jobs") == 1, "no follow-up")
            guard succeeds else {
                #expect(environment["current_release_id"]?.isNull == true)
                try await panel.send("POST", "/api/sites", #"{"name":"Blog","slug":"blog"}"#).expectError(409, "conflict", "slug_taken")
                return
            }
            let release = try await panel.row("SELECT * FROM releases")
            #expect(release["id"] == environment["current_release_id"])
            #expect(release["source_type"] == "upload" && release["source_ref"] == "builtin:wordpress" && release["health_status"] == "healthy")
            #expect(release["notes"]?.string?.isEmpty == false, "the version of WordPress")
        }
    }

    @Test("an environment that is made has its source's release and a baseline; one that cannot be made has failed, and the site too", arguments: [true, false])
    func environmentCreate(_ succeeds: Bool) async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            try panel.playbooks.script(#"{"match": {"job_type": "env_create"}, "hold": "go"\#(succeeds ? "" : #", "exit": 250"#)}"#)
            let site = try await panel.seed()
            let body = #"{"name":"Copy","slug":"copy","type":"clone","promotion_preset":"commerce-protect"}"#
            let id = try await panel.accept("POST", "/api/sites/\(site.site)/environments", body)
            _ = try await panel.eventually { try panel.playbooks.journal().contains { $0["event"] == "held" } ? true : nil }
            #expect(try await panel.get("/api/sites/\(site.site)")["status"] == "cloning")
            #expect(try await panel.get("/api/environments/\(site.production)")["status"] == "active")
            try panel.playbooks.release("go")
            let job = try await panel.ended(id)
            let made = job["environment_id"]?.string ?? ""
            let environment = try await panel.get("/api/environments/\(made)")
            let ended = succeeds ? "active" : "failed"
            #expect(environment["status"]?.string == ended)
            #expect(try await panel.get("/api/sites/\(site.site)")["status"]?.string == ended)
            #expect(try await panel.get("/api/environments/\(site.production)")["status"] == "active")
            guard succeeds else {
                #expect(environment["current_release_id"]?.isNull == true)
                // The reset of the site works: its primary environment is active. That of the environment does not: it has no release.
                #expect(try await panel.send("POST", "/api/sites/\(site.site)/reset").status == 200)
                try await panel.send("POST", "/api/environments/\(made)/reset").expectError(409, "reset_validation_failed")
                return
            }
            let release = try await panel.row("SELECT * FROM releases WHERE environment_id = '\(made)'")
            #expect(release["source_ref"] == "builtin:wordpress" && release["health_status"] == "healthy")
            #expect(release["notes"]?.string == "clone of \(site.production)")
            let baseline = try await panel.row("SELECT * FROM drift_checks WHERE environment_id = '\(made)'")
            #expect(baseline["kind"] == "baseline" && baseline["status"] == "unknown" && baseline["promotion_preset"] == "commerce-protect")
            #expect(environment["drift_status"] == "unknown" && environment["last_drift_check_id"]?.isNull == true, "a baseline is no check")
            // Nothing has changed since: clean.
            let check = try await panel.accept("POST", "/api/environments/\(made)/drift-check")
            #expect(try await panel.ended(check)["status"] == "succeeded")
            #expect(try await panel.get("/api/environments/\(made)")["drift_status"] == "clean")
            // Production has one more post: drifted.
            try panel.playbooks.script(#"{"match": {"job_type": "drift_check"}, "result": {"db_checksums": {"posts": {"rows": 13, "checksum": "other"}}}}"#)
            let second = try await panel.accept("POST", "/api/environments/\(made)/drift-check")
            _ = try await panel.ended(second)
            #expect(try await panel.get("/api/environments/\(made)")["drift_status"] == "drifted")
        }
    }

    @Test("without a baseline production counts as drifted")
    func noBaseline() async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            let site = try await panel.seed()
            _ = try await panel.ended(try await panel.accept("POST", "/api/environments/\(site.staging)/drift-check"))
            #expect(try await panel.get("/api/environments/\(site.staging)")["drift_status"] == "drifted")
        }
    }

    // MARK: Health checks and rollbacks

    private static let unhealthy = #"{"match": {"job_type": "health_check"}, "result": {"healthy": false, "checks": {"http": false, "wp_cli": true, "database": true}}}"#

    private func deploy(_ site: SeededSite, on panel: Panel) async throws -> String {
        try await panel.accept("POST", "/api/environments/\(site.staging)/deploy", #"{"source_type":"git","source_ref":"https://git.example/a"}"#)
    }

    private func jobs(_ site: SeededSite, on panel: Panel) async throws -> [JSONValue] {
        try await panel.rows("SELECT * FROM jobs WHERE site_id = '\(site.site)' ORDER BY created_at, job_type")
    }

    @Test("a release that is found unhealthy is rolled back by itself, and not checked again")
    func rollback() async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            try panel.playbooks.script(Self.unhealthy)
            let site = try await panel.seed()
            let earlier = try await panel.get("/api/environments/\(site.staging)")["current_release_id"]
            _ = try await panel.ended(try await deploy(site, on: panel))
            let rollback = try await panel.eventually { try await jobs(site, on: panel).first { $0["job_type"] == "release_rollback" } }
            #expect(try await panel.ended(rollback["id"]?.string ?? "")["status"] == "succeeded")
            let all = try await jobs(site, on: panel)
            #expect(all.map { $0["job_type"]?.string }.sorted { $0 ?? "" < $1 ?? "" } == ["env_deploy", "health_check", "release_rollback"])
            let check = try #require(all.first { $0["job_type"] == "health_check" })
            #expect(check["status"] == "succeeded", "a check that found trouble has succeeded")
            #expect(rollback["payload_json"]?["target_release_id"] == earlier)
            let environment = try await panel.get("/api/environments/\(site.staging)")
            #expect(environment["status"] == "active" && environment["current_release_id"] == earlier)
            #expect(try await panel.get("/api/sites/\(site.site)")["status"] == "active")
            let health = try await panel.rows("SELECT health_status FROM releases WHERE environment_id = '\(site.staging)' ORDER BY created_at")
            #expect(health.map { $0["health_status"]?.string } == ["healthy", "unhealthy"])
            #expect(try panel.playbooks.starts().last?["job_type"] == "release_rollback")
        }
    }

    @Test("a rollback that fails, or has nowhere to go, leaves environment and site failed", arguments: [true, false])
    func rollbackFails(_ hasTarget: Bool) async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            try panel.playbooks.script(Self.unhealthy, #"{"match": {"job_type": "release_rollback"}, "exit": 250}"#)
            let site = try await panel.seed()
            if !hasTarget { try await panel.execute("UPDATE releases SET health_status = 'unhealthy' WHERE environment_id = '\(site.staging)'") }
            _ = try await panel.ended(try await deploy(site, on: panel))
            _ = try await panel.eventually { try await panel.get("/api/environments/\(site.staging)")["status"] == "failed" ? true : nil }
            #expect(try await panel.get("/api/sites/\(site.site)")["status"] == "failed")
            #expect(try await panel.count("jobs WHERE status IN ('queued', 'running')") == 0)
            let rollback = try await jobs(site, on: panel).first { $0["job_type"] == "release_rollback" }
            if hasTarget {
                #expect(rollback?["error_code"] == "ANSIBLE_UNEXPECTED_ERROR")
            } else {
                #expect(rollback?["error_code"] == "ROLLBACK_TARGET_MISSING")
                #expect(try !panel.playbooks.starts().contains { $0["job_type"] == "release_rollback" })
            }
        }
    }

    @Test("a health check that cannot decide fails, and changes nothing")
    func undecided() async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            try panel.playbooks.script(#"{"match": {"job_type": "health_check"}, "exit": 250}"#)
            let site = try await panel.seed()
            _ = try await panel.ended(try await deploy(site, on: panel))
            let check = try await panel.eventually { try await jobs(site, on: panel).first { $0["job_type"] == "health_check" && $0["status"] == "failed" } }
            #expect(check["error_code"] == "ANSIBLE_UNEXPECTED_ERROR")
            let environment = try await panel.get("/api/environments/\(site.staging)")
            #expect(environment["status"] == "active")
            #expect(try await panel.row("SELECT health_status FROM releases WHERE id = '\(environment["current_release_id"]?.string ?? "")'")["health_status"] == "unknown")
            #expect(try await jobs(site, on: panel).count == 2)
        }
    }

    // MARK: Clean-up, nodes

    @Test("what is past its retention is cleaned up per site: expired when its object is gone, and left alone before", arguments: [true, false])
    func cleanup(_ succeeds: Bool) async throws {
        try await Panel.run(Panel.fastJobs.merging(["TRIVET_SCHEDULER_SECONDS": "1"]) { $1 }, instances: 2) { panel in
            if !succeeds { try panel.playbooks.script(#"{"match": {"job_type": "backup_cleanup"}, "exit": 250}"#) }
            let (one, two, busy) = (try await panel.seed(), try await panel.seed(), try await panel.seed())
            try await panel.seedJob("cache_purge", site: busy.site, environment: busy.production, status: "running")
            let kept = try await panel.seedBackup(one.staging)
            let failed = try await panel.seedBackup(one.staging, status: "failed", age: "40 days")
            try await panel.seedBackup(busy.staging, age: "40 days")
            let old = [
                try await panel.seedBackup(one.staging, age: "31 days"), try await panel.seedBackup(one.production, age: "40 days"),
                try await panel.seedBackup(two.production, age: "50 days"),
            ]
            _ = try await panel.eventually {
                try await panel.count("jobs WHERE job_type = 'backup_cleanup' AND status IN ('succeeded', 'failed')") >= 2 ? true : nil
            }
            let jobs = try await panel.rows("SELECT * FROM jobs WHERE job_type = 'backup_cleanup'")
            #expect(!jobs.contains { $0["site_id"]?.string == busy.site }, "a busy site waits for the next tick")
            #expect(try await panel.count("audit_logs WHERE action = 'backup_cleanup'") == 0)
            for id in old {
                #expect(try await panel.row("SELECT status FROM backups WHERE id = '\(id)'")["status"]?.string == (succeeds ? "expired" : "completed"))
            }
            #expect(try await panel.row("SELECT status FROM backups WHERE id = '\(kept)'")["status"] == "completed")
            #expect(try await panel.row("SELECT status FROM backups WHERE id = '\(failed)'")["status"] == "failed")
            #expect(try await panel.get("/api/sites/\(one.site)")["status"] == "active")
            if succeeds { #expect(jobs.count == 2, "one per site, however many processes tick") }
        }
    }

    @Test("a node that is provisioned is active; one that cannot be reached is unreachable; else it stays as it was", arguments: [
        ("", "active"), (#"{"exit": 4}"#, "unreachable"), (#"{"exit": 250}"#, "provisioning"),
    ])
    func nodes(_ rule: String, _ state: String) async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            if !rule.isEmpty { try panel.playbooks.script(rule) }
            try await panel.execute("DELETE FROM nodes")
            let id = try await Panel.output(
                of: [
                    "node", "add", "--name", "second", "--host", "node2.example", "--ssh-user", "root", "--ssh-port", "2222", "--ssh-key-file",
                    panel.directory.path + "/node_key", "--public-ip", "198.51.100.9",
                ], panel.environment)
            #expect(try await panel.row("SELECT status FROM nodes WHERE id = '\(id)'")["status"] == "provisioning")
            let job = try await Panel.output(of: ["node", "provision", "second"], panel.environment)
            let again = try await ServiceUnderTest.run(Panel.name, ["node", "provision", "second"], environment: panel.environment)
            let ended = try await panel.ended(job)
            Shape.expect(ended, Shape.globalJob)
            #expect(ended["status"]?.string == (state == "active" ? "succeeded" : "failed"), "\(again)")
            let node = try await panel.row("SELECT * FROM nodes WHERE id = '\(id)'")
            #expect(node["status"]?.string == state)
            if state == "active" { #expect(node["last_seen_at"]?.isNull == false) }
            if state == "unreachable" { #expect(ended["error_code"] == "ANSIBLE_HOST_UNREACHABLE" && ended["attempt_count"] == 3) }
            // It can be tried again, and works.
            try panel.playbooks.script()
            let second = try await Panel.output(of: ["node", "provision", "second"], panel.environment)
            #expect(try await panel.ended(second)["status"] == "succeeded")
            #expect(try await panel.row("SELECT status FROM nodes WHERE id = '\(id)'")["status"] == "active")
        }
    }
}
