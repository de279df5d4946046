import Encoding
import Foundation
import TestSupport
import Testing

/// No secret in an answer, a row, a log or a stream, whatever a playbook writes; and the append-only audit log.
@Suite(.serialized) struct SecretsConformanceTests {
    static let tables = [
        "users", "auth_sessions", "nodes", "sites", "environments", "releases", "backups", "domains", "jobs", "job_events", "drift_checks", "audit_logs", "settings",
    ]

    /// Everything that the service stores or says, by where it stands.
    private func everything(_ panel: Panel) async throws -> [(String, String)] {
        var found: [(String, String)] = [("the log", panel.process.log)]
        for table in Self.tables {
            for row in try await panel.rows("SELECT * FROM \(table)") { found.append((table, String(decoding: row.bytes, as: UTF8.self))) }
        }
        for target in ["/api/jobs", "/api/sites", "/_admin/settings", "/_admin/audit", "/_admin/nodes", "/metrics", "/readyz"] {
            found.append((target, try await panel.send("GET", target).text))
        }
        for job in try await panel.rows("SELECT id FROM jobs") {
            let id = job["id"]?.string ?? ""
            found.append(("job", try await panel.send("GET", "/api/jobs/\(id)").text))
            let stream = EventStream(panel, job: id)
            _ = try await panel.eventually(within: .seconds(20)) { stream.hasEnded ? true : nil }
            found.append(("stream", stream.text))
        }
        return found
    }

    @Test("a playbook that writes its secrets everywhere gives none away", arguments: ["", #", "exit": 2"#])
    func leaks(_ ending: String) async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            try panel.playbooks.script(#"{"leak": true\#(ending)}"#)
            let job = try await panel.accept("POST", "/api/sites", #"{"name":"Leak","slug":"leak"}"#)
            _ = try await panel.ended(job)
            let site = try await panel.seed()
            _ = try await panel.ended(try await panel.accept("POST", "/api/environments/\(site.staging)/backups", #"{"backup_scope":"full"}"#))
            // What was really handed to the playbooks is known from their own folder of secrets only: the canaries stand for it.
            for (place, text) in try await everything(panel) {
                for (what, canary) in Panel.canaries {
                    #expect(!text.contains(canary), "\(what) in \(place)")
                    #expect(!text.contains(canary.prefix(canary.count / 2 + 2)), "half of \(what) in \(place)")
                }
                #expect(!text.contains("PRIVATE KEY"), "\(place)")
                for token in [panel.session, panel.automation, panel.reader] { #expect(!text.contains(token), "a token in \(place)") }
            }
            let lines = try await panel.rows("SELECT data FROM job_events WHERE data::text LIKE '%plain%'")
            #expect(!lines.isEmpty, "the lines are there, with a mask in place of the secret")
        }
    }

    @Test("keys and passwords lie encrypted under the secrets directory, for its owner alone")
    func atRest() async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            _ = try await panel.ended(try await panel.accept("POST", "/api/sites", #"{"name":"Rest","slug":"rest"}"#))
            let secrets = panel.directory.appendingPathComponent("secrets")
            let names = try FileManager.default.subpathsOfDirectory(atPath: secrets.path)
            #expect(names.contains { $0.contains(panel.nodeID) } && names.contains { $0.contains("database_password") })
            for name in names {
                let path = secrets.appendingPathComponent(name).path
                let attributes = try FileManager.default.attributesOfItem(atPath: path)
                let isDirectory = attributes[.type] as? FileAttributeType == .typeDirectory
                #expect(attributes[.posixPermissions] as? Int == (isDirectory ? 0o700 : 0o600), "\(name)")
                guard !isDirectory else { continue }
                let content = try Data(contentsOf: URL(fileURLWithPath: path))
                #expect(content.range(of: Data("PRIVATE KEY".utf8)) == nil, "\(name)")
            }
        }
    }

    @Test("check-config shows no secret")
    func checkConfig() async throws {
        let panel = try await Panel.shared()
        let shown = try await Panel.output(of: ["check-config"], panel.environment)
        for (what, canary) in Panel.canaries { #expect(!shown.contains(canary), "\(what)") }
        #expect(shown.contains("TRIVET_SECRETS_DIRECTORY"))
    }

    // MARK: Audit

    @Test("audit rows are shown newest first, and cannot be changed by the role that serves")
    func audit() async throws {
        try await Panel.run(["TRIVET_WORKERS": "0"]) { panel in
            let site = try await panel.seed()
            let job = try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge", as: .automation)
            #expect(try await panel.send("POST", "/api/jobs/\(job)/cancel").status == 200)
            let shown = try #require(try await panel.get("/_admin/audit").array)
            #expect(shown.map { $0["action"]?.string } == ["job_cancel", "cache_purge", "login"])
            #expect(shown.map { $0["result"]?.string } == ["succeeded", "cancelled", "succeeded"])
            #expect(shown[1]["actor"] == "robot" && shown[0]["actor"]?.string == Panel.email)
            let id = shown[0]["id"]?.string ?? ""
            for statement in [
                "UPDATE audit_logs SET result = 'failed' WHERE id = '\(id)'", "UPDATE audit_logs SET actor = 'x' WHERE id = '\(id)'",
                "DELETE FROM audit_logs", "TRUNCATE audit_logs", "DELETE FROM jobs", "UPDATE jobs SET job_type = 'env_deploy'",
            ] {
                await #expect(throws: (any Error).self, "\(statement)") { try await panel.execute(statement) }
            }
        }
    }

    @Test("reads and refused calls leave no audit row")
    func unaudited() async throws {
        try await Panel.run(["TRIVET_WORKERS": "0"]) { panel in
            let before = try await panel.count("audit_logs")
            let site = try await panel.seed(site: "failed")
            for target in ["/api/sites", "/api/jobs", "/api/metrics", "/api/sites/\(site.site)", "/_admin/audit"] { _ = try await panel.get(target) }
            _ = try await panel.send("POST", "/api/sites", "{}")
            _ = try await panel.send("POST", "/api/sites", #"{"name":"A","slug":"\#(site.slug)"}"#)
            _ = try await panel.send("POST", "/api/environments/\(site.staging)/deploy", #"{"source_type":"git","source_ref":"https://git.example/a"}"#)
            _ = try await panel.send("POST", "/api/jobs/\(SeededSite.newID())/cancel")
            _ = try await panel.send("POST", "/api/sites", as: .reader, #"{"name":"A","slug":"b"}"#)
            #expect(try await panel.count("audit_logs") == before)
        }
    }
}
