import Encoding
import Foundation
import TestSupport
import Testing

/// Attempts, exit codes and results (5.5, 5.7, 6.5 to 6.8).
@Suite(.serialized) struct AttemptConformanceTests {
    struct Ending: Sendable {
        let rule: String
        let code: String
        let isRetried: Bool
    }

    static let endings: [Ending] = [
        Ending(rule: #""exit": 1, "events": false"#, code: "ANSIBLE_PLAY_ERROR", isRetried: true),
        Ending(rule: #""exit": 2"#, code: "ANSIBLE_HOST_FAILED", isRetried: true),
        Ending(rule: #""exit": 4"#, code: "ANSIBLE_HOST_UNREACHABLE", isRetried: true),
        Ending(rule: #""exit": 4, "events": false"#, code: "ANSIBLE_SYNTAX_ERROR", isRetried: false),
        Ending(rule: #""exit": 5"#, code: "ANSIBLE_SYNTAX_ERROR", isRetried: false),
        Ending(rule: #""exit": 250"#, code: "ANSIBLE_UNEXPECTED_ERROR", isRetried: false),
        Ending(rule: #""exit": 3"#, code: "ANSIBLE_UNKNOWN_EXIT", isRetried: false),
        Ending(rule: #""exit": 99"#, code: "ANSIBLE_UNKNOWN_EXIT", isRetried: false),
        Ending(rule: #""exit": 255"#, code: "ANSIBLE_UNKNOWN_EXIT", isRetried: false),
        Ending(rule: #""signal": 15"#, code: "ANSIBLE_UNKNOWN_EXIT", isRetried: false),
        Ending(rule: #""signal": 9"#, code: "ANSIBLE_UNKNOWN_EXIT", isRetried: false),
        Ending(rule: #""signal": 11"#, code: "ANSIBLE_UNKNOWN_EXIT", isRetried: false),
        Ending(rule: #""result": false"#, code: "PLAYBOOK_RESULT_INVALID", isRetried: false),
        Ending(rule: #""no_host": true"#, code: "PLAYBOOK_RESULT_INVALID", isRetried: false),
        Ending(rule: #""result": """#, code: "PLAYBOOK_RESULT_INVALID", isRetried: false),
        Ending(rule: #""result": "[]""#, code: "PLAYBOOK_RESULT_INVALID", isRetried: false),
        Ending(rule: #""result": "{\"page_cache_entries\": 1}""#, code: "PLAYBOOK_RESULT_INVALID", isRetried: false),
        Ending(rule: #""result": {"page_cache_entries": "7"}"#, code: "PLAYBOOK_RESULT_INVALID", isRetried: false),
        Ending(rule: #""result": {"object_cache_keys": null}"#, code: "PLAYBOOK_RESULT_INVALID", isRetried: false),
        Ending(rule: #""result": {"object_cache_keys": 1.5}"#, code: "PLAYBOOK_RESULT_INVALID", isRetried: false),
    ]

    @Test("each way to end has its code, and is retried or not")
    func ending() async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            for ending in Self.endings {
                try panel.playbooks.script("{\(ending.rule)}")
                let site = try await panel.seed()
                let id = try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge")
                let job = try await panel.ended(id)
                #expect(job["status"] == "failed" && job["error_code"]?.string == ending.code, "\(ending.rule): \(job["error_message"]?.string ?? "")")
                #expect(job["error_message"]?.string?.isEmpty == false)
                #expect(job["attempt_count"]?.int == (ending.isRetried ? 3 : 1), "\(ending.rule)")
                #expect(try panel.playbooks.starts(of: id).compactMap { $0["attempt"]?.int } == (ending.isRetried ? [1, 2, 3] : [1]))
                #expect(try await panel.get("/api/environments/\(site.staging)")["status"] == "active")
                // A node that was not reached is unreachable until a job succeeds on it.
                try await panel.execute("UPDATE nodes SET status = 'active' WHERE status = 'unreachable'")
            }
            _ = try await panel.eventually {
                try FileManager.default.contentsOfDirectory(atPath: panel.directory.path + "/scratch").isEmpty ? true : nil
            }
        }
    }

    @Test("unknown members of a result are no error")
    func moreMembers() async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            try panel.playbooks.script(#"{"result": {"also": {"x": [1]}}}"#)
            let site = try await panel.seed()
            let id = try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge")
            #expect(try await panel.ended(id)["status"] == "succeeded")
        }
    }

    /// A wrong result of each type that has one of its own.
    static let wrongResults: [(String, String, String)] = [
        ("env_deploy", "/api/environments/ENV/deploy|{\"source_type\":\"git\",\"source_ref\":\"https://git.example/a\"}", #"{"release_path": null}"#),
        ("env_deploy", "/api/environments/ENV/deploy|{\"source_type\":\"git\",\"source_ref\":\"https://git.example/a\"}", #"{"release_path": 1}"#),
        ("backup_create", "/api/environments/ENV/backups|{\"backup_scope\":\"db\"}", #"{"checksum": "md5:00"}"#),
        ("backup_create", "/api/environments/ENV/backups|{\"backup_scope\":\"db\"}", #"{"size_bytes": 0}"#),
        ("backup_create", "/api/environments/ENV/backups|{\"backup_scope\":\"db\"}", #"{"size_bytes": "10"}"#),
        ("drift_check", "/api/environments/ENV/drift-check|", #"{"db_checksums": {"posts": {"rows": "1", "checksum": "x"}}}"#),
        ("drift_check", "/api/environments/ENV/drift-check|", #"{"file_checksums": []}"#),
        ("domain_add", "/api/environments/ENV/domains|{\"hostname\":\"HOSTNAME\"}", #"{"certificate_expires_at": "tomorrow"}"#),
        ("domain_add", "/api/environments/ENV/domains|{\"hostname\":\"HOSTNAME\"}", #"{"rewritten": 1}"#),
        ("env_update", "/api/environments/ENV/updates|{\"scope\":\"all\"}", #"{"updated": "core"}"#),
        ("env_update", "/api/environments/ENV/updates|{\"scope\":\"all\"}", #"{"snapshot": {"checksum": "sha256:00", "size_bytes": 1}}"#),
    ]

    @Test("a result that does not fit its type's schema is no success")
    func results() async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            for (type, call, result) in Self.wrongResults {
                try panel.playbooks.script(#"{"match": {"job_type": "\#(type)"}, "result": \#(result)}"#)
                let site = try await panel.seed()
                let parts = call.split(separator: "|", omittingEmptySubsequences: false).map(String.init)
                let body = parts[1].replacing("HOSTNAME", with: "\(site.slug).example")
                let id = try await panel.accept("POST", parts[0].replacing("ENV", with: site.staging), body.isEmpty ? nil : body)
                let job = try await panel.ended(id)
                #expect(job["error_code"] == "PLAYBOOK_RESULT_INVALID", "\(type) \(result): \(job["error_message"]?.string ?? "succeeded")")
            }
        }
    }

    @Test("an attempt that fails is retried with its resources in progress, shows the last failure meanwhile, and success clears it")
    func retry() async throws {
        try await Panel.run(Panel.fastJobs.merging(["TRIVET_JOB_BACKOFF_SECONDS": "2,2,2"]) { $1 }) { panel in
            try panel.playbooks.script(#"{"match": {"job_type": "env_deploy"}, "times": 1, "exit": 2, "message": "the first attempt broke"}"#)
            let site = try await panel.seed()
            let id = try await panel.accept("POST", "/api/environments/\(site.staging)/deploy", #"{"source_type":"git","source_ref":"https://git.example/a"}"#)
            let waiting = try await panel.eventually { () -> JSONValue? in
                let shown = try await panel.get("/api/jobs/\(id)")
                return shown["status"] == "queued" && shown["attempt_count"] == 1 ? shown : Optional<JSONValue>.none
            }
            Shape.expect(waiting, Shape.job)
            #expect(waiting["error_code"] == "ANSIBLE_HOST_FAILED" && waiting["run_after"]?.string != nil && waiting["locked_by"]?.isNull == true)
            #expect(waiting["finished_at"]?.isNull == true)
            #expect(try await panel.get("/api/environments/\(site.staging)")["status"] == "deploying")
            #expect(try await panel.get("/api/sites/\(site.site)")["status"] == "deploying")
            try await panel.send("POST", "/api/environments/\(site.staging)/cache/purge").expectError(409, "conflict")
            let job = try await panel.ended(id)
            #expect(job["status"] == "succeeded" && job["attempt_count"] == 2 && job["error_code"]?.isNull == true && job["error_message"]?.isNull == true)
            let starts = try panel.playbooks.starts(of: id)
            #expect(starts.count == 2 && (starts[0]["fencing_term"]?.int ?? 0) < (starts[1]["fencing_term"]?.int ?? 0))
            #expect(try await panel.count("releases WHERE environment_id = '\(site.staging)'") == 2)
        }
    }

    @Test("an attempt that takes too long is stopped and retried as a timeout")
    func timeout() async throws {
        try await Panel.run(Panel.fastJobs.merging(["TRIVET_JOB_TIMEOUT_SECONDS": "1"]) { $1 }) { panel in
            try panel.playbooks.script(#"{"times": 1, "hang": true}"#)
            let site = try await panel.seed()
            let id = try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge")
            let waiting = try await panel.eventually { () -> JSONValue? in
                let shown = try await panel.get("/api/jobs/\(id)")
                return shown["error_code"]?.string != nil ? shown : Optional<JSONValue>.none
            }
            #expect(waiting["error_code"] == "ANSIBLE_TIMEOUT")
            #expect(try await panel.ended(id)["status"] == "succeeded")
            #expect(try panel.playbooks.journal().contains { $0["event"] == "terminated" })
        }
    }

    @Test("what a playbook leaves running in its group dies with it")
    func grandchildren() async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            try panel.playbooks.script(#"{"spawn": 3}"#)
            let site = try await panel.seed()
            let id = try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge")
            #expect(try await panel.ended(id)["status"] == "succeeded")
            let pids = try panel.playbooks.journal().first { $0["event"] == "spawned" }?["pids"]?.array?.compactMap(\.int) ?? []
            #expect(pids.count == 3)
            for pid in pids {
                _ = try await panel.eventually { kill(pid_t(pid), 0) == -1 ? true : nil }
            }
        }
    }

    @Test("a playbook is called as the contract says: generated inventory and variables, nothing secret in arguments or environment")
    func invocation() async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            let site = try await panel.seed()
            for (target, body) in [
                ("/api/environments/\(site.staging)/cache/purge", String?.none), ("/api/environments/\(site.staging)/backups", #"{"backup_scope":"full"}"#),
            ] { _ = try await panel.ended(try await panel.accept("POST", target, body)) }
            for start in try panel.playbooks.starts() {
                let arguments = start["arguments"]?.array?.compactMap(\.string) ?? []
                let environment = start["environment"]?.object
                #expect(arguments.contains("-i") && arguments.contains { $0.hasPrefix("@") || $0.hasPrefix("-e@") }, "\(arguments)")
                #expect(arguments.last?.hasSuffix(".yml") == true, "\(arguments)")
                #expect(environment?["ANSIBLE_CONFIG"]?.string?.hasSuffix("deploy/ansible/ansible.cfg") == true)
                #expect(environment?.keys.contains { $0.hasPrefix("TRIVET_") && $0 != "TRIVET_EVENTS" } == false, "\(environment?.keys ?? [])")
                let text = String(decoding: start.bytes, as: UTF8.self)
                for (what, canary) in Panel.canaries { #expect(!text.contains(canary), "\(what)") }
                #expect(!text.contains("PRIVATE KEY"))
                #expect(start["fencing_term"]?.int != nil && start["attempt"] == 1 && start["site_id"]?.string == site.site)
            }
        }
    }
}
