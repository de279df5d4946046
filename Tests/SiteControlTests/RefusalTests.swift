import Encoding
import Foundation
import Postgres
import TestSupport
import Testing

/// What is refused, with which reason, and that nothing is written then.
@Suite struct RefusalTests {
    private static let environment = #"{"name":"QA","slug":"qa","type":"clone","promotion_preset":"content-protect"}"#
    private static let deploy = #"{"source_type":"git","source_ref":"https://x.example/a.git"}"#

    @Test("a body that is wrong in several ways hears of each, and leaves nothing")
    func everyProblem() async throws {
        try await PanelService.run { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            let (one, staging) = ("/api/sites/\(site.id)", "/api/environments/\(site.staging)")
            let before = try await panel.database.rowCounts()
            let long = String(repeating: "a", count: 300)
            let cases: [(String, String, String, Set<String>)] = [
                ("POST", "/api/sites", #"{"name":7,"slug":"No Slug","color":1}"#, ["name", "slug", "color"]),
                ("POST", "/api/sites", #"{"name":"\#(long)","slug":"\#(long)"}"#, ["name", "slug"]),
                ("POST", "/api/sites", #"{"name":"  ","slug":"-a"}"#, ["name", "slug"]),
                ("POST", "/api/sites", "{}", ["name", "slug"]),
                (
                    "POST", one + "/environments",
                    #"{"name":"","slug":"a_b","type":"other","promotion_preset":3,"source_environment_id":"x","expires_at":"now"}"#,
                    ["name", "slug", "type", "promotion_preset", "source_environment_id", "expires_at"]
                ),
                ("POST", one + "/import", #"{"archive_url":"ftp://a.example/b","force":true}"#, ["archive_url", "force"]),
                ("POST", staging + "/deploy", #"{"source_type":"svn","source_ref":"--upload-pack=x"}"#, ["source_type", "source_ref"]),
                ("POST", staging + "/updates", #"{"scope":"everything"}"#, ["scope"]),
                ("POST", staging + "/restore", #"{"backup_id":"1"}"#, ["backup_id"]),
                ("POST", staging + "/promote", #"{"target_environment_id":null,"force":true}"#, ["target_environment_id", "force"]),
                ("PATCH", staging + "/cache", "{}", [""]),
                ("PATCH", staging + "/cache", #"{"redis_cache_enabled":1,"fastcgi_cache_enabled":"true"}"#,
                    ["redis_cache_enabled", "fastcgi_cache_enabled"]),
                ("PATCH", staging + "/cache", #"{"redis_cache_enabled":null}"#, ["redis_cache_enabled"]),
                ("POST", staging + "/backups", #"{"backup_scope":"all"}"#, ["backup_scope"]),
                ("POST", staging + "/domains", #"{"hostname":"https://a.example"}"#, ["hostname"]),
                ("POST", staging + "/domains", #"{"hostname":"192.0.2.1"}"#, ["hostname"]),
            ]
            for (method, target, body, fields) in cases {
                let response = try await panel.send(method, target, body)
                #expect(response.status == 400, "\(method) \(target) \(body): \(response.text)")
                #expect(response.code == "bad_request")
                #expect(Set(response.problemFields) == fields, "\(method) \(target) \(body): \(response.text)")
            }
            #expect(try await panel.database.rowCounts() == before)
        }
    }

    @Test("a body that is no JSON object, or is too large, is a bad request")
    func brokenBodies() async throws {
        try await PanelService.run { panel in
            for body in ["", "[]", "null", "{", #"{"name":"a","name":"b","slug":"a"}"#, "{\"name\":\"\u{1}\"}"] {
                let response = try await panel.send("POST", "/api/sites", body)
                #expect(response.status == 400 && response.code == "bad_request", "\(body): \(response.text)")
            }
            let large = try await panel.send(
                "POST", "/api/sites", #"{"name":""# + String(repeating: "a", count: 70_000) + #"","slug":"a"}"#)
            #expect(large.status == 400 && large.code == "bad_request")
            let text = try await panel.send("POST", "/api/sites", "{}", fields: ["Content-Type": "text/plain"])
            #expect(text.status == 400 && text.code == "bad_request")
        }
    }

    @Test("what does not exist is not found, in the path and in the body")
    func notFound() async throws {
        try await PanelService.run { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            let before = try await panel.database.rowCounts()
            let nobody = Encoding.UUID.fresh()
            let staging = "/api/environments/\(site.staging)"
            let cases: [(String, String, String?)] = [
                ("GET", "/api/sites/\(nobody)", nil), ("GET", "/api/sites/x", nil),
                ("GET", "/api/sites/\(nobody)/environments", nil), ("POST", "/api/sites/\(nobody)/environments", Self.environment),
                ("POST", "/api/sites/\(nobody)/import", #"{"archive_url":"https://a.example/b"}"#),
                ("POST", "/api/sites/\(nobody)/reset", nil), ("GET", "/api/environments/\(nobody)", nil),
                ("POST", "/api/environments/\(nobody)/drift-check", nil),
                ("POST", "/api/environments/\(nobody)/deploy", Self.deploy),
                ("POST", "/api/environments/\(nobody)/updates", #"{"scope":"all"}"#),
                ("POST", "/api/environments/\(nobody)/restore", #"{"backup_id":"\#(nobody)"}"#),
                ("POST", "/api/environments/\(nobody)/promote", #"{"target_environment_id":"\#(site.production)"}"#),
                ("PATCH", "/api/environments/\(nobody)/cache", #"{"redis_cache_enabled":true}"#),
                ("POST", "/api/environments/\(nobody)/cache/purge", nil), ("GET", "/api/environments/\(nobody)/backups", nil),
                ("POST", "/api/environments/\(nobody)/backups", #"{"backup_scope":"db"}"#),
                ("GET", "/api/environments/\(nobody)/domains", nil),
                ("POST", "/api/environments/\(nobody)/domains", #"{"hostname":"a.example"}"#),
                ("POST", "/api/environments/\(nobody)/reset", nil), ("DELETE", "/api/domains/\(nobody)", nil),
                ("POST", staging + "/restore", #"{"backup_id":"\#(nobody)"}"#),
                ("POST", staging + "/promote", #"{"target_environment_id":"\#(nobody)"}"#),
                (
                    "POST", "/api/sites/\(site.id)/environments",
                    #"{"name":"QA","slug":"qa","type":"clone","promotion_preset":"content-protect","source_environment_id":"\#(nobody)"}"#
                ),
            ]
            for (method, target, body) in cases {
                let response = try await panel.send(method, target, body)
                #expect(response.status == 404 && response.code == "not_found", "\(method) \(target): \(response.text)")
            }
            #expect(try await panel.database.rowCounts() == before)
        }
    }

    @Test("what belongs to another site is a bad request")
    func relations() async throws {
        try await PanelService.run { panel in
            let one = try await panel.database.addSite("one", on: panel.node)
            let two = try await panel.database.addSite("two", on: panel.node)
            let backup = try await panel.database.addBackup(of: two.production)
            func refused(_ target: String, _ body: String) async throws {
                let response = try await panel.send("POST", target, body)
                #expect(response.status == 400 && response.problemFields.count == 1, "\(target): \(response.text)")
            }
            try await refused("/api/environments/\(one.staging)/restore", #"{"backup_id":"\#(backup)"}"#)
            for (source, target) in [
                (one.staging, one.staging), (one.staging, two.production), (one.production, one.production),
                (one.production, one.staging), (two.staging, one.staging),
            ] {
                try await refused("/api/environments/\(source)/promote", #"{"target_environment_id":"\#(target)"}"#)
            }
            try await refused(
                "/api/sites/\(one.id)/environments",
                #"{"name":"QA","slug":"qa","type":"clone","promotion_preset":"content-protect","source_environment_id":"\#(two.staging)"}"#)
        }
    }

    @Test("names that are taken, and the second production environment, are conflicts")
    func taken() async throws {
        try await PanelService.run { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            try await panel.database.execute(
                """
                INSERT INTO settings (key, value) VALUES ('preview_domain', 'sites.example.net'),
                    ('control_plane_domain', 'panel.example.net')
                """)
            let environments = "/api/sites/\(site.id)/environments"
            try await expect(panel, "slug_taken", "POST", "/api/sites", #"{"name":"a","slug":"one"}"#)
            try await expect(
                panel, "slug_taken", "POST", environments, Self.environment.replacingOccurrences(of: "\"qa\"", with: "\"staging\""))
            try await expect(
                panel, "production_environment_exists", "POST", environments,
                Self.environment.replacingOccurrences(of: "clone", with: "production"))
            let domains = "/api/environments/\(site.staging)/domains"
            for hostname in ["a.sites.example.net", "sites.example.net", "PANEL.example.net"] {
                try await expect(panel, "hostname_taken", "POST", domains, #"{"hostname":"\#(hostname)"}"#)
            }
            let job = try await panel.accepted("POST", domains, #"{"hostname":"shop.example"}"#)
            try await panel.database.endJob(job, "failed")
            try await expect(panel, "hostname_taken", "POST", domains, #"{"hostname":"shop.example"}"#)
        }
    }

    @Test("states that do not allow an operation are conflicts with their reason")
    func states() async throws {
        try await PanelService.run { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            let backup = try await panel.database.addBackup(of: site.staging)
            let staging = "/api/environments/\(site.staging)"
            let mutations: [(String, String, String?)] = [
                ("POST", staging + "/deploy", Self.deploy), ("POST", staging + "/updates", #"{"scope":"all"}"#),
                ("POST", staging + "/restore", #"{"backup_id":"\#(backup)"}"#),
                ("POST", staging + "/promote", #"{"target_environment_id":"\#(site.production)"}"#),
            ]
            let others: [(String, String, String?)] = [
                ("POST", staging + "/drift-check", nil), ("PATCH", staging + "/cache", #"{"redis_cache_enabled":true}"#),
                ("POST", staging + "/cache/purge", nil), ("POST", staging + "/domains", #"{"hostname":"a.example"}"#),
            ]
            try await move(panel, "environments", site.staging, "deploying")
            for (method, target, body) in mutations + others {
                try await expect(panel, "environment_state", method, target, body)
            }
            try await expect(
                panel, "environment_state", "POST", "/api/sites/\(site.id)/environments",
                Self.environment.replacingOccurrences(of: "}", with: #","source_environment_id":"\#(site.staging)"}"#))
            try await expect(panel, "environment_state", "POST", staging + "/backups", #"{"backup_scope":"db"}"#)
            try await move(panel, "environments", site.staging, "failed")
            // What has failed can still be backed up.
            let job = try await panel.accepted("POST", staging + "/backups", #"{"backup_scope":"db"}"#)
            try await panel.database.endJob(job)
            try await move(panel, "environments", site.staging, "active")

            try await move(panel, "sites", site.id, "deploying")
            try await move(panel, "sites", site.id, "failed")
            for (method, target, body) in mutations {
                try await expect(panel, "site_not_active", method, target, body)
            }
            try await expect(panel, "site_not_active", "POST", "/api/sites/\(site.id)/environments", Self.environment)
            try await expect(
                panel, "site_not_active", "POST", "/api/sites/\(site.id)/import", #"{"archive_url":"https://a.example/b"}"#)
            // A failed site does not stop what moves no one.
            let purge = try await panel.accepted("POST", staging + "/cache/purge")
            try await panel.database.endJob(purge)
            try await expect(panel, "environment_not_promotable", "POST", "/api/environments/\(site.production)/drift-check")
        }
    }

    @Test("without a node that takes it, nothing is accepted")
    func nodes() async throws {
        try await PanelService.run { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            try await move(panel, "nodes", panel.node, "unreachable")
            try await expect(panel, "no_active_node", "POST", "/api/sites", #"{"name":"a","slug":"a"}"#)
            try await expect(panel, "node_not_active", "POST", "/api/environments/\(site.staging)/cache/purge")
            _ = try await panel.database.addNode(name: "bare", address: nil)
            try await expect(panel, "node_public_ip_missing", "POST", "/api/sites", #"{"name":"a","slug":"a"}"#)
        }
    }

    @Test("without storage for backups, what needs them is refused")
    func storage() async throws {
        try await PanelService.run(["TRIVET_BACKUP_BUCKET": ""]) { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            let staging = "/api/environments/\(site.staging)"
            let backup = try await panel.database.addBackup(of: site.staging, ageSeconds: 7200)
            let refused: [(String, String)] = [
                (staging + "/backups", #"{"backup_scope":"db"}"#), (staging + "/updates", #"{"scope":"all"}"#),
                (staging + "/restore", #"{"backup_id":"\#(backup)"}"#),
                ("/api/sites/\(site.id)/import", #"{"archive_url":"https://a.example/b"}"#),
            ]
            for (target, body) in refused { try await expect(panel, "storage_not_configured", "POST", target, body) }
        }
    }

    @Test("a promotion needs a fresh clean check and a fresh full backup, of the state that is there now")
    func gates() async throws {
        try await PanelService.run { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            let target = "/api/environments/\(site.staging)/promote"
            let body = #"{"target_environment_id":"\#(site.production)"}"#
            let database = panel.database
            try await expect(panel, "drift_gate_unmet", "POST", target, body)
            try await database.checkDrift(of: site.staging, "drifted")
            try await expect(panel, "drift_gate_unmet", "POST", target, body)
            try await database.checkDrift(of: site.staging, ageSeconds: 4000)
            try await expect(panel, "drift_gate_unmet", "POST", target, body)
            try await database.checkDrift(of: site.staging)
            try await expect(panel, "backup_gate_unmet", "POST", target, body)
            _ = try await database.addBackup(of: site.production, scope: "db")
            _ = try await database.addBackup(of: site.staging)
            _ = try await database.addBackup(of: site.production, ageSeconds: 4000)
            try await expect(panel, "backup_gate_unmet", "POST", target, body)
            _ = try await database.addBackup(of: site.production)
            // Production changes after both.
            let deploy = try await panel.accepted("POST", "/api/environments/\(site.production)/deploy", Self.deploy)
            try await database.endJob(deploy, "failed")
            try await expect(panel, "drift_gate_unmet", "POST", target, body)
            try await database.checkDrift(of: site.staging)
            try await expect(panel, "backup_gate_unmet", "POST", target, body)
            _ = try await database.addBackup(of: site.production)
            _ = try await panel.accepted("POST", target, body)
        }
    }

    @Test("a backup that is not completed cannot be restored")
    func incompleteBackup() async throws {
        try await PanelService.run { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            let staging = "/api/environments/\(site.staging)"
            let job = try await panel.accepted("POST", staging + "/backups", #"{"backup_scope":"full"}"#)
            try await panel.database.endJob(job, "failed")
            let backup = try await panel.database.one("SELECT id FROM backups" as SQL<Encoding.UUID>)
            try await expect(panel, "backup_not_completed", "POST", staging + "/restore", #"{"backup_id":"\#(backup)"}"#)
        }
    }

    @Test("readers read, and change nothing")
    func readers() async throws {
        try await PanelService.run { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            #expect(try await panel.send("GET", "/api/sites", as: "reader").status == 200)
            let purge = try await panel.send("POST", "/api/environments/\(site.staging)/cache/purge", as: "reader")
            #expect(purge.status == 403 && purge.code == "forbidden")
            let nobody = try await panel.send("GET", "/api/sites", as: nil)
            #expect(nobody.status == 401 && nobody.code == "unauthorized")
            #expect(try await panel.send("PUT", "/api/sites", "{}").code == "method_not_allowed")
            #expect(try await panel.send("GET", "/sites").code == "not_found")
        }
    }

    private func expect(
        _ panel: PanelService, _ reason: String, _ method: String, _ target: String, _ body: String? = nil
    ) async throws {
        let before = try await panel.database.rowCounts()
        let response = try await panel.send(method, target, body)
        #expect(
            response.status == 409 && response.code == "conflict" && response.reason == reason,
            "\(method) \(target) \(body ?? ""): \(response.status) \(response.text), not \(reason)")
        #expect(try await panel.database.rowCounts() == before, "\(method) \(target)")
    }

    private func move(_ panel: PanelService, _ table: String, _ id: Encoding.UUID, _ status: String) async throws {
        try await panel.database.execute("UPDATE \(identifier: table) SET status = \(status) WHERE id = \(id)")
    }
}
