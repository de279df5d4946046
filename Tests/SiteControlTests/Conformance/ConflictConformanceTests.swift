import Encoding
import Postgres
import TestSupport
import Testing

/// The refusals of 2.4 that are about other things than states: what is taken, what belongs elsewhere, what is missing.
@Suite(.serialized) struct ConflictConformanceTests {
    let panel: Panel

    init() async throws { panel = try await Panel.shared() }

    private func environmentBody(_ slug: String, type: String = "staging", source: String? = nil) -> String {
        let source = source.map { #","source_environment_id":"\#($0)""# } ?? ""
        return #"{"name":"N","slug":"\#(slug)","type":"\#(type)","promotion_preset":"content-protect"\#(source)}"#
    }

    @Test("a slug is taken once among sites, also after a failure, and once within a site")
    func slugs() async throws {
        let failed = try await panel.seed(site: "failed")
        try await panel.send("POST", "/api/sites", #"{"name":"Other","slug":"\#(failed.slug)"}"#).expectError(409, "conflict", "slug_taken")
        let site = try await panel.seed()
        try await panel.send("POST", "/api/sites/\(site.site)/environments", environmentBody("staging")).expectError(409, "conflict", "slug_taken")
        // In another site it is free.
        let other = try await panel.seed()
        try await panel.accept("POST", "/api/sites/\(other.site)/environments", environmentBody("second"))
        try await panel.accept("POST", "/api/sites/\(site.site)/environments", environmentBody("second"))
    }

    @Test("of two sites with one slug made at once one is taken")
    func slugRace() async throws {
        let slug = "race-\(SeededSite.newID().prefix(8))"
        let panel = panel
        let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
            for _ in 0..<12 { group.addTask { try await panel.send("POST", "/api/sites", #"{"name":"R","slug":"\#(slug)"}"#) } }
            return try await group.reduce(into: [Answer]()) { $0.append($1) }
        }
        #expect(answers.filter { $0.status == 202 }.count == 1)
        for answer in answers where answer.status != 202 { answer.expectError(409, "conflict", "slug_taken") }
        #expect(try await panel.count("sites WHERE slug = '\(slug)'") == 1)
        #expect(try await panel.count("environments e JOIN sites s ON s.id = e.site_id WHERE s.slug = '\(slug)'") == 1)
        #expect(try await panel.count("jobs j JOIN sites s ON s.id = j.site_id WHERE s.slug = '\(slug)'") == 1)
    }

    @Test("a second production environment is a conflict, not a bad value")
    func production() async throws {
        let site = try await panel.seed()
        try await panel.send("POST", "/api/sites/\(site.site)/environments", environmentBody("p", type: "production"))
            .expectError(409, "conflict", "production_environment_exists")
    }

    @Test("the source of a new environment must exist (404), be of the same site (400) and be active (409), in this order")
    func source() async throws {
        let (site, other) = (try await panel.seed(), try await panel.seed())
        let target = "/api/sites/\(site.site)/environments"
        try await panel.send("POST", target, environmentBody("s", source: SeededSite.newID())).expectError(404, "not_found")
        try await panel.send("POST", target, environmentBody("s", source: other.staging)).expectError(400, "bad_request")
        let failing = try await panel.seed(staging: "failed")
        try await panel.send("POST", "/api/sites/\(failing.site)/environments", environmentBody("s", source: failing.staging))
            .expectError(409, "conflict", "environment_state")
        try await panel.accept("POST", target, environmentBody("s", source: site.staging))
    }

    @Test("a backup must exist (404), be of the site (400) and be completed (409) to be restored", arguments: ["pending", "running", "failed", "expired"])
    func backups(_ status: String) async throws {
        let (site, other) = (try await panel.seed(), try await panel.seed())
        func restore(_ backup: String) async throws -> Answer {
            try await panel.send("POST", "/api/environments/\(site.staging)/restore", #"{"backup_id":"\#(backup)"}"#)
        }
        try await restore(SeededSite.newID()).expectError(404, "not_found")
        try await restore(site.staging).expectError(404, "not_found")
        try await restore(try await panel.seedBackup(other.staging)).expectError(400, "bad_request")
        try await restore(try await panel.seedBackup(site.staging, status: status)).expectError(409, "conflict", "backup_not_completed")
        // Of another environment of the site.
        #expect(try await restore(try await panel.seedBackup(site.production, scope: "db")).status == 202)
    }

    @Test("a promotion's target must exist, be another environment, of the site, and production; its source must not be")
    func promotion() async throws {
        let (site, other) = (try await panel.seed(), try await panel.seed())
        func promote(_ source: String, _ target: String) async throws -> Answer {
            try await panel.send("POST", "/api/environments/\(source)/promote", #"{"target_environment_id":"\#(target)"}"#)
        }
        try await promote(site.staging, SeededSite.newID()).expectError(404, "not_found")
        try await promote(site.staging, site.staging).expectError(400, "bad_request")
        try await promote(site.staging, other.production).expectError(400, "bad_request")
        try await promote(site.production, site.production).expectError(400, "bad_request")
        try await promote(site.production, site.staging).expectError(400, "bad_request")
    }

    @Test("production is not checked for drift against itself")
    func drift() async throws {
        let site = try await panel.seed()
        try await panel.send("POST", "/api/environments/\(site.production)/drift-check").expectError(409, "conflict", "environment_not_promotable")
    }

    @Test("a hostname is attached once, wherever, however spelled, and whatever became of it", arguments: ["pending", "active", "failed"])
    func hostname(_ status: String) async throws {
        let (site, other) = (try await panel.seed(), try await panel.seed())
        try await panel.seedDomain(other.staging, "\(other.slug).example", tls: status)
        for spelling in ["\(other.slug).example", "\(other.slug.uppercased()).Example.", " \(other.slug).example "] {
            try await panel.send("POST", "/api/environments/\(site.staging)/domains", #"{"hostname":"\#(spelling)"}"#)
                .expectError(409, "conflict", "hostname_taken", spelling)
        }
    }

    @Test("without an object store what takes or loads a backup is refused, and all else goes on")
    func noStorage() async throws {
        let none = ["TRIVET_BACKUP_BUCKET", "TRIVET_S3_BUCKETS", "TRIVET_S3_ENDPOINT", "TRIVET_S3_REGION", "TRIVET_S3_ACCESS_KEY_ID", "TRIVET_S3_SECRET_ACCESS_KEY"]
        var settings = ["TRIVET_WORKERS": "0"]
        for name in none { settings[name] = "" }
        try await Panel.run(settings) { panel in
            let site = try await panel.seed()
            let backup = try await panel.seedBackup(site.staging, age: "2 hours")
            let calls: [(String, String)] = [
                ("/api/environments/\(site.staging)/updates", #"{"scope":"all"}"#),
                ("/api/environments/\(site.staging)/restore", #"{"backup_id":"\#(backup)"}"#),
                ("/api/sites/\(site.site)/import", #"{"archive_url":"https://files.example/a"}"#),
                ("/api/environments/\(site.staging)/backups", #"{"backup_scope":"db"}"#),
            ]
            for (target, body) in calls {
                try await panel.send("POST", target, body).expectError(409, "conflict", "storage_not_configured", target)
            }
            #expect(try await panel.count("jobs") == 0)
            try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge")
        }
    }

    @Test("a site needs an active node with an address", arguments: [
        ("provisioning", true, "no_active_node"), ("unreachable", true, "no_active_node"), ("decommissioned", true, "no_active_node"),
        ("active", false, "node_public_ip_missing"),
    ])
    func nodes(_ status: String, _ hasAddress: Bool, _ reason: String) async throws {
        try await Panel.run(["TRIVET_WORKERS": "0"]) { panel in
            try await panel.execute("DELETE FROM nodes")
            try await panel.seedNode(status, ip: hasAddress ? "198.51.100.7" : nil)
            try await panel.send("POST", "/api/sites", #"{"name":"A","slug":"a"}"#).expectError(409, "conflict", reason)
            #expect(try await panel.count("sites") == 0)
            #expect(try await panel.count("jobs") == 0)
        }
    }

    @Test("what works on a node that is not active is refused", arguments: ["unreachable", "decommissioned", "provisioning"])
    func nodeNotActive(_ status: String) async throws {
        try await Panel.run(["TRIVET_WORKERS": "0"]) { panel in
            let site = try await panel.seed(node: try await panel.seedNode(status))
            let answer = try await panel.send("POST", "/api/environments/\(site.staging)/cache/purge")
            // An unreachable node comes back by a job that succeeds on it (4.8): that one may be accepted.
            if status == "unreachable", answer.status == 202 { return }
            answer.expectError(409, "conflict", "node_not_active", status)
        }
    }

    @Test("a site is put on the local node, or on the active one with the fewest environments")
    func nodeChoice() async throws {
        try await Panel.run(["TRIVET_WORKERS": "0"]) { panel in
            func node(_ slug: String) async throws -> String? {
                let job = try await panel.accept("POST", "/api/sites", #"{"name":"N","slug":"\#(slug)"}"#)
                return try await panel.get("/api/jobs/\(job)")["node_id"]?.string
            }
            let (full, free) = (try await panel.seedNode(ip: "198.51.100.20"), try await panel.seedNode(ip: "198.51.100.21"))
            #expect(try await node("first") == panel.nodeID)
            try await panel.execute("UPDATE nodes SET status = 'decommissioned' WHERE is_local")
            _ = try await panel.seed(node: full)
            #expect(try await node("second") == free)
        }
    }
}
