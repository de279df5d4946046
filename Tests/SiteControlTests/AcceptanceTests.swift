import Encoding
import Foundation
import Postgres
import TestSupport
import Testing

/// What an accepted mutation writes: every row of it, in one transaction.
@Suite struct AcceptanceTests {
    @Test("a new site stands with its environment, job, event and audit row")
    func createSite() async throws {
        try await PanelService.run { panel in
            let id = try await panel.accepted("POST", "/api/sites", #"{"name":"Corner Bakery","slug":"corner-bakery"}"#)
            let job = try await panel.send("GET", "/api/sites").document.array?.first
            let site = try #require(job?["id"]?.string.flatMap { Encoding.UUID($0) })
            #expect(job?["status"]?.string == "deploying")
            #expect(job?["state_version"]?.int == 1)
            let environments = try await panel.send("GET", "/api/sites/\(site)/environments").document.array ?? []
            #expect(environments.count == 1)
            let environment = try #require(environments.first)
            let key = try #require(environment["id"]?.string?.prefix(8))
            #expect(environment["preview_url"]?.string == "http://\(key).198-51-100-7.sslip.io")
            #expect(environment["environment_type"]?.string == "production")
            #expect(environment["slug"]?.string == "production")
            #expect(environment["promotion_preset"]?.string == "content-protect")
            #expect(environment["drift_status"]?.string == "unknown")
            #expect(environment["current_release_id"] == JSONValue.null)
            #expect(environment["fastcgi_cache_enabled"]?.bool == true)
            #expect(environment["redis_cache_enabled"]?.bool == true)
            #expect(environment["id"] == job?["primary_environment_id"])
            try await Self.expectTraces(panel, id, "site_create", "site", site.description, actor: "client-automation")
            let same = try await panel.send("GET", "/api/environments/\(environment["id"]?.string ?? "")").document
            #expect(same == environment)
        }
    }

    @Test("with a preview domain the preview address is below it, by HTTPS")
    func previewDomain() async throws {
        try await PanelService.run { panel in
            try await panel.database.execute(
                "INSERT INTO settings (key, value) VALUES ('preview_domain', 'sites.example.net')")
            _ = try await panel.accepted("POST", "/api/sites", #"{"name":"a","slug":"a"}"#)
            let preview = try await panel.database.one("SELECT preview_url FROM environments" as SQL<String>)
            #expect(preview.hasPrefix("https://") && preview.hasSuffix(".sites.example.net"))
        }
    }

    @Test("each job carries what its playbook needs, and the rows that it will fill")
    func payloads() async throws {
        try await PanelService.run { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            let staging = "/api/environments/\(site.staging)"
            func payload(_ method: String, _ target: String, _ body: String? = nil) async throws -> JSONValue {
                let job = try await panel.accepted(method, target, body)
                let text = try await panel.database.one("SELECT payload_json FROM jobs WHERE id = \(job)" as SQL<JSONText>)
                try await panel.database.endJob(job)
                return try JSONReader.parse(text.utf8)
            }
            #expect(try await payload("POST", staging + "/drift-check") == ["preset": "content-protect"])
            #expect(
                try await payload("POST", staging + "/deploy", #"{"source_type":"git","source_ref":"git@x.example:a.git#main"}"#)
                    == ["source_type": "git", "source_ref": "git@x.example:a.git#main"])
            #expect(
                try await payload("PATCH", staging + "/cache", #"{"redis_cache_enabled":false}"#) == ["redis_cache_enabled": false])
            #expect(try await payload("POST", staging + "/cache/purge") == [:])
            let backup = try await payload("POST", staging + "/backups", #"{"backup_scope":"db"}"#)
            #expect(try await Self.pending(panel, backup["backup_id"]) == "db")
            let update = try await payload("POST", staging + "/updates", #"{"scope":"plugins"}"#)
            #expect(update["scope"] == "plugins")
            #expect(try await Self.pending(panel, update["snapshot_backup_id"]) == "full")
            let stored = try await panel.database.addBackup(of: site.production, scope: "db")
            let restore = try await payload("POST", staging + "/restore", #"{"backup_id":"\#(stored)"}"#)
            #expect(restore["backup_id"]?.string == stored.description)
            #expect(try await Self.pending(panel, restore["snapshot_backup_id"]) == "full")
            let archive = "https://a.example/site.tar.gz"
            let imported = try await payload("POST", "/api/sites/\(site.id)/import", #"{"archive_url":"\#(archive)"}"#)
            #expect(imported["archive_url"]?.string == archive)
            #expect(try await Self.pending(panel, imported["snapshot_backup_id"]) == "full")
            let domain = try await payload("POST", staging + "/domains", #"{"hostname":" WWW.Shop.Example. "}"#)
            #expect(domain["make_primary"] == true)
            let domains = try await panel.send("GET", staging + "/domains").document.array
            #expect(domains?.first?["hostname"]?.string == "www.shop.example")
            #expect(domains?.first?["tls_status"]?.string == "pending")
            #expect(
                try await payload("DELETE", "/api/domains/\(domain["domain_id"]?.string ?? "")")
                    == ["domain_id": domain["domain_id"] ?? nil, "was_primary": false])
        }
    }

    @Test("an update that finds a fresh full backup takes none")
    func freshBackup() async throws {
        try await PanelService.run { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            _ = try await panel.database.addBackup(of: site.staging)
            let job = try await panel.accepted("POST", "/api/environments/\(site.staging)/updates", #"{"scope":"all"}"#)
            let snapshot = try await panel.database.one(
                "SELECT payload_json ->> 'snapshot_backup_id' FROM jobs WHERE id = \(job)" as SQL<String?>)
            #expect(snapshot == nil)
            try await panel.database.endJob(job)
            // The update itself has changed the environment since.
            let next = try await panel.accepted("POST", "/api/environments/\(site.staging)/updates", #"{"scope":"all"}"#)
            let later = try await panel.database.one(
                "SELECT payload_json ->> 'snapshot_backup_id' FROM jobs WHERE id = \(next)" as SQL<String?>)
            #expect(later != nil)
        }
    }

    @Test("a copy is made from the primary environment unless another one is named")
    func createEnvironment() async throws {
        try await PanelService.run { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            let body = #"{"name":"QA","slug":"qa","type":"clone","promotion_preset":"commerce-protect","source_environment_id":null}"#
            let job = try await panel.accepted("POST", "/api/sites/\(site.id)/environments", body)
            let made = try await panel.send("GET", "/api/sites/\(site.id)/environments").document.array?.last
            #expect(made?["source_environment_id"]?.string == site.production.description)
            #expect(made?["status"]?.string == "cloning")
            #expect(made?["promotion_preset"]?.string == "commerce-protect")
            #expect(made?["node_id"]?.string == panel.node.description)
            try await Self.expectTraces(
                panel, job, "env_create", "environment", made?["id"]?.string ?? "", actor: "client-automation")
        }
    }

    @Test("a promotion belongs to its target and names its source and the gate's backup")
    func promote() async throws {
        try await PanelService.run { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            let backup = try await panel.database.addBackup(of: site.production)
            try await panel.database.checkDrift(of: site.staging)
            let job = try await panel.accepted(
                "POST", "/api/environments/\(site.staging)/promote", #"{"target_environment_id":"\#(site.production)"}"#)
            let facts = try await panel.database.one(
                """
                SELECT environment_id, payload_json ->> 'source_environment_id', payload_json ->> 'backup_id'
                FROM jobs WHERE id = \(job)
                """ as SQL<Columns<Encoding.UUID, String, String>>
            ).values
            #expect(facts == (site.production, site.staging.description, backup.description))
        }
    }

    // MARK: Helpers

    /// - Returns: the scope of a backup that is still to be taken.
    private static func pending(_ panel: PanelService, _ id: JSONValue?) async throws -> String? {
        let id = try #require(id?.string.flatMap { Encoding.UUID($0) })
        return try await panel.database.first(
            "SELECT backup_scope FROM backups WHERE id = \(id) AND status = 'pending'" as SQL<String>)
    }

    private static func expectTraces(
        _ panel: PanelService, _ job: Encoding.UUID, _ type: String, _ resource: String, _ id: String, actor: String
    ) async throws {
        let audit = try await panel.database.one(
            """
            SELECT action, resource_type, resource_id, result, actor FROM audit_logs WHERE job_id = \(job)
            """ as SQL<Columns<String, String, String, String, String>>
        ).values
        #expect(audit == (type, resource, id, "accepted", actor))
        let event = try await panel.database.one(
            "SELECT seq, kind, data ->> 'status' FROM job_events WHERE job_id = \(job)" as SQL<Columns<Int64, String, String>>
        ).values
        #expect(event == (1, "state", "queued"))
        let row = try await panel.database.one(
            "SELECT job_type, status, attempt_count, max_attempts FROM jobs WHERE id = \(job)"
                as SQL<Columns<String, String, Int32, Int32>>
        ).values
        #expect(row == (type, "queued", 0, 3))
    }
}
