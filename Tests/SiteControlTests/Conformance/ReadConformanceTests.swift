import Encoding
import Postgres
import TestSupport
import Testing

/// What the reading operations show: exact members, nulls, order.
@Suite(.serialized) struct ReadConformanceTests {
    let panel: Panel

    init() async throws { panel = try await Panel.shared() }

    @Test("a new installation shows empty lists and counts of zero")
    func empty() async throws {
        try await Panel.run(["TRIVET_WORKERS": "0"]) { panel in
            #expect(try await panel.get("/api/sites") == [])
            #expect(try await panel.get("/api/jobs") == [])
            let metrics = try await panel.get("/api/metrics")
            Shape.expect(metrics, Shape.metrics)
            #expect(metrics == ["jobs_running": 0, "jobs_queued": 0, "nodes_active": 1, "sites_total": 0])
        }
    }

    @Test("metrics count what is in the database at that moment")
    func metrics() async throws {
        try await Panel.run(["TRIVET_WORKERS": "0"]) { panel in
            let first = try await panel.seed()
            _ = try await panel.seed(site: "failed")
            let third = try await panel.seed()
            try await panel.seedJob("cache_purge", site: first.site, environment: first.staging, status: "succeeded")
            try await panel.seedJob("cache_purge", site: first.site, environment: first.staging, status: "queued")
            try await panel.seedJob("cache_purge", site: third.site, environment: third.staging, status: "running")
            try await panel.seedNode("unreachable")
            try await panel.seedNode("decommissioned")
            try await panel.seedNode("provisioning")
            // The running job stands on an active node of its own.
            #expect(
                try await panel.get("/api/metrics")
                    == ["jobs_running": 1, "jobs_queued": 1, "nodes_active": 2, "sites_total": 3])
            try await panel.accept("POST", "/api/environments/\(try await panel.seed().staging)/cache/purge")
            #expect(
                try await panel.get("/api/metrics")
                    == ["jobs_running": 1, "jobs_queued": 2, "nodes_active": 2, "sites_total": 4])
        }
    }

    @Test("a site has its members and no other, in the list as by itself", arguments: ["active", "cloning", "deploying", "restoring", "failed"])
    func site(_ status: String) async throws {
        let seeded = try await panel.seed(site: status)
        let shown = try await panel.get("/api/sites/\(seeded.site)")
        Shape.expect(shown, Shape.site)
        #expect(shown["status"]?.string == status)
        #expect(shown["slug"]?.string == seeded.slug)
        #expect(shown["primary_environment_id"]?.string == seeded.production)
        #expect(shown["state_version"] == 1)
        let list = try #require(try await panel.get("/api/sites").array)
        #expect(list.first { $0["id"]?.string == seeded.site } == shown)
        #expect(list.map { $0["created_at"]?.string ?? "" } == list.map { $0["created_at"]?.string ?? "" }.sorted(), "oldest first")
    }

    @Test("an environment has its members and no other, with nulls where there is nothing")
    func environment() async throws {
        let bare = try await panel.seed(site: "deploying", production: "deploying", staging: "cloning", releases: false)
        let shown = try await panel.get("/api/environments/\(bare.production)")
        Shape.expect(shown, Shape.environment)
        for key in ["source_environment_id", "primary_domain_id", "current_release_id", "drift_checked_at", "last_drift_check_id"] {
            #expect(shown[key]?.isNull == true, "\(key)")
        }
        let full = try await panel.seed()
        let domain = try await panel.seedDomain(full.staging, "\(full.slug).example", primary: true)
        try await panel.seedDrift(full.staging, "drifted")
        let environment = try await panel.get("/api/environments/\(full.staging)")
        Shape.expect(environment, Shape.environment)
        #expect(environment["primary_domain_id"]?.string == domain)
        #expect(environment["source_environment_id"]?.string == full.production)
        #expect(environment["drift_status"] == "drifted")
        #expect(environment["drift_checked_at"]?.string != nil && environment["last_drift_check_id"]?.string != nil)
        let list = try #require(try await panel.get("/api/sites/\(full.site)/environments").array)
        #expect(list.count == 2)
        #expect(list.first { $0["id"]?.string == full.staging } == environment)
        for element in list { Shape.expect(element, Shape.environment) }
    }

    @Test("environments and domains are listed oldest first, backups and jobs newest first, ties by id")
    func order() async throws {
        let seeded = try await panel.seed()
        var backups: [String] = []
        for minutes in [30, 10, 20, 10] { backups.append(try await panel.seedBackup(seeded.staging, age: "\(minutes) minutes")) }
        try await panel.execute("UPDATE backups SET created_at = date_trunc('minute', created_at) WHERE environment_id = '\(seeded.staging)'")
        let listed = try #require(try await panel.get("/api/environments/\(seeded.staging)/backups").array)
        #expect(listed.count == 4)
        for backup in listed { Shape.expect(backup, Shape.backup) }
        let keys = listed.map { ($0["created_at"]?.string ?? "", $0["id"]?.string ?? "") }
        #expect(zip(keys, keys.dropFirst()).allSatisfy { $0.0 > $1.0 || ($0.0 == $1.0 && $0.1 != $1.1) })
        #expect(listed.last?["id"]?.string == backups[0])

        for number in 0..<3 { try await panel.seedDomain(seeded.staging, "\(number).\(seeded.slug).example", tls: "pending") }
        let domains = try #require(try await panel.get("/api/environments/\(seeded.staging)/domains").array)
        for domain in domains { Shape.expect(domain, Shape.domain) }
        #expect(domains.map { $0["hostname"]?.string?.first } == ["0", "1", "2"])

        for age in ["3 minutes", "1 minute", "2 minutes"] {
            try await panel.seedJob("cache_purge", site: seeded.site, environment: seeded.staging, status: "succeeded", age: age)
        }
        let jobs = try #require(try await panel.get("/api/jobs?site_id=\(seeded.site)").array)
        let times = jobs.map { $0["created_at"]?.string ?? "" }
        #expect(times.count == 3 && times == times.sorted(by: >))
    }

    @Test("a backup is shown with its retention, in every state", arguments: ["pending", "running", "completed", "failed", "expired"])
    func backup(_ status: String) async throws {
        let seeded = try await panel.seed()
        let id = try await panel.seedBackup(seeded.staging, scope: "files", status: status)
        let shown = try #require(try await panel.get("/api/environments/\(seeded.staging)/backups").array?.first)
        Shape.expect(shown, Shape.backup)
        #expect(shown["id"]?.string == id && shown["status"]?.string == status && shown["backup_scope"] == "files")
        #expect((shown["checksum"]?.isNull == true) == !["completed", "expired"].contains(status))
        #expect(try await panel.get("/api/environments/\(seeded.production)/backups") == [])
    }

    @Test("a job has its members and no other, in every state", arguments: ["queued", "running", "succeeded", "failed", "cancelled"])
    func job(_ status: String) async throws {
        let seeded = try await panel.seed()
        let id = try await panel.seedJob("cache_purge", site: seeded.site, environment: seeded.staging, status: status, payload: #"{"secret":"x"}"#)
        let shown = try await panel.get("/api/jobs/\(id)")
        Shape.expect(shown, Shape.job)
        #expect(shown["status"]?.string == status && shown["job_type"] == "cache_purge")
        #expect(shown["site_id"]?.string == seeded.site && shown["environment_id"]?.string == seeded.staging)
        #expect(shown["attempt_count"]?.int == (status == "queued" ? 0 : 1))
        #expect(shown["max_attempts"] == 3)
        #expect((shown["finished_at"]?.isNull == true) == ["queued", "running"].contains(status))
        #expect((shown["locked_by"]?.isNull == false) == (status == "running"))
        #expect((shown["error_code"]?.string != nil) == (status == "failed"))
        let list = try #require(try await panel.get("/api/jobs?site_id=\(seeded.site)").array)
        #expect(list == [shown])
    }

    @Test("a global job leaves site_id out")
    func globalJob() async throws {
        let (id, node) = (SeededSite.newID(), try await panel.seedNode("provisioning"))
        try await panel.execute("INSERT INTO jobs (id, job_type, node_id, created_at) VALUES ('\(id)', 'node_provision', '\(node)', now())")
        let shown = try await panel.get("/api/jobs/\(id)")
        Shape.expect(shown, Shape.globalJob)
        #expect(shown["environment_id"]?.isNull == true)
        #expect(shown["node_id"]?.string == node)
    }

    @Test("times do not depend on the time zone of the session or the process")
    func timeZone() async throws {
        let seeded = try await panel.seed()
        let shown = try await panel.get("/api/sites/\(seeded.site)")
        let stored = try await panel.row(
            "SELECT to_char(created_at AT TIME ZONE 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS') AS time FROM sites WHERE id = '\(seeded.site)'")
        let time = try #require(stored["time"]?.string)
        #expect(shown["created_at"]?.string?.hasPrefix(time) == true, "\(shown["created_at"]?.string ?? "") \(time)")
    }

    // MARK: The list of jobs

    @Test("the list of jobs is filtered by site, environment, status and type, alone and together")
    func filters() async throws {
        let (one, two) = (try await panel.seed(), try await panel.seed())
        let purge = try await panel.seedJob("cache_purge", site: one.site, environment: one.staging, status: "succeeded")
        let backup = try await panel.seedJob("backup_create", site: one.site, environment: one.production, status: "failed")
        let other = try await panel.seedJob("cache_purge", site: two.site, environment: two.staging, status: "queued")
        func ids(_ query: String) async throws -> Set<String> {
            Set(try await panel.get("/api/jobs?\(query)").array?.compactMap { $0["id"]?.string } ?? [])
        }
        #expect(try await ids("site_id=\(one.site)") == [purge, backup])
        #expect(try await ids("environment_id=\(one.staging)") == [purge])
        #expect(try await ids("site_id=\(one.site)&status=failed") == [backup])
        #expect(try await ids("site_id=\(one.site)&type=cache_purge") == [purge])
        #expect(try await ids("site_id=\(one.site)&environment_id=\(two.staging)") == [])
        #expect(try await ids("site_id=\(SeededSite.newID())") == [])
        #expect(try await ids("status=queued&type=cache_purge").isSuperset(of: [other]))
        #expect(try await ids("site_id=\(one.site.uppercased())") == [purge, backup])
    }

    @Test("a query that makes no sense is 400", arguments: [
        "site_id=x", "environment_id=1", "status=done", "status=", "type=deploy", "limit=0", "limit=-1", "limit=1001", "limit=ten",
        "limit=1.5", "cursor=%21%21", "cursor=AAAA", "unknown=1", "site_id=&status=queued", "limit=5&limit=6",
    ])
    func badQuery(_ query: String) async throws {
        try await panel.send("GET", "/api/jobs?\(query)").expectError(400, "bad_request", nil, query)
    }

    @Test("the list of jobs is read page by page without a gap or a repetition, also while jobs are added")
    func paging() async throws {
        let seeded = try await panel.seed()
        var all: Set<String> = []
        for _ in 0..<25 {
            all.insert(try await panel.seedJob("cache_purge", site: seeded.site, environment: seeded.staging, status: "succeeded", age: "5 minutes"))
        }
        var target = "/api/jobs?site_id=\(seeded.site)&limit=7"
        var seen: [String] = []
        var pages = 0
        while true {
            let answer = try await panel.send("GET", target)
            try #require(answer.status == 200, "\(answer.text)")
            let page = try #require(answer.json.array, "a bare array")
            seen += page.compactMap { $0["id"]?.string }
            pages += 1
            try #require(pages < 10)
            try await panel.seedJob("cache_purge", site: seeded.site, environment: seeded.staging, status: "succeeded", age: "1 minute")
            guard let link = answer.field("link") else { break }
            #expect(link.hasSuffix(#"rel="next""#), "\(link)")
            let url = try #require(link.split(separator: ">").first?.dropFirst())
            let start = try #require(url.ranges(of: "/api/jobs").first?.lowerBound)
            target = String(url[start...])
            #expect(target.contains("site_id=\(seeded.site)") && target.contains("limit=7"), "\(target)")
        }
        #expect(seen.count == Set(seen).count)
        #expect(Set(seen) == all)
    }
}

extension Panel {
    /// An environment made from production, without release, domain or check.
    func seedBareEnvironment(_ site: SeededSite) async throws -> String {
        let id = SeededSite.newID()
        try await execute(
            """
            INSERT INTO environments (id, site_id, name, slug, environment_type, status, node_id, source_environment_id,
              promotion_preset, preview_url)
            VALUES ('\(id)', '\(site.site)', 'Bare', 'bare', 'clone', 'cloning', '\(nodeID)', '\(site.production)', 'commerce-protect', 'https://\(id.prefix(8)).example')
            """)
        return id
    }
}
