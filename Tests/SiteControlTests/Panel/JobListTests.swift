import Encoding
import Foundation
import Postgres
import TestSupport
import Testing

@Suite struct JobListTests {
    @Test("pages of any size, joined, are the list: every job once, newest first, whatever is filtered", arguments: [7, 8] as [UInt64])
    func pages(seed: UInt64) async throws {
        try await Panel.run(["TRIVET_WORKERS": "0"]) { panel in
            var random = SeededRandom(seed)
            let sites = [try await panel.seed(), try await panel.seed()]
            // Many share their time: then the id decides.
            for site in sites {
                try await panel.database.execute(Command(text: """
                    INSERT INTO jobs (id, job_type, status, site_id, environment_id, node_id, attempt_count, started_at, finished_at, created_at)
                    SELECT gen_random_uuid(), CASE WHEN n % 3 = 0 THEN 'cache_purge' ELSE 'drift_check' END,
                      CASE WHEN n % 4 = 0 THEN 'cancelled' ELSE 'succeeded' END, '\(site.site)',
                      CASE WHEN n % 2 = 0 THEN '\(site.staging)'::uuid ELSE '\(site.production)'::uuid END, '\(panel.nodeID)', 1, now(), now(),
                      timestamptz '2026-01-01' + (n / 7) * interval '1 microsecond'
                    FROM generate_series(1, 60) AS n
                    """))
            }
            let all = try await panel.rows("SELECT * FROM jobs ORDER BY created_at DESC, id DESC")
            for _ in 0..<12 {
                let site = Bool.random(using: &random) ? sites.randomElement(using: &random)?.site : nil
                let status = Bool.random(using: &random) ? ["cancelled", "succeeded", "queued"].randomElement(using: &random) : nil
                let type = Bool.random(using: &random) ? "cache_purge" : nil
                let limit = Int.random(in: 1...50, using: &random)
                let expected = all.filter {
                    (site == nil || $0["site_id"]?.string == site) && (status == nil || $0["status"]?.string == status)
                        && (type == nil || $0["job_type"]?.string == type)
                }.compactMap { $0["id"]?.string }
                var parameters = ["limit=\(limit)"]
                if let site { parameters.append("site_id=\(site)") }
                if let status { parameters.append("status=\(status)") }
                if let type { parameters.append("type=\(type)") }
                let seen = try await Self.read("/api/jobs?" + parameters.shuffled(using: &random).joined(separator: "&"), limit, on: panel)
                #expect(seen == expected, "seed \(seed): \(parameters)")
            }
        }
    }

    private static func read(_ first: String, _ limit: Int, on panel: Panel) async throws -> [String] {
        var target: String? = first
        var seen: [String] = []
        while let next = target {
            let answer = try await panel.send("GET", next, as: .reader)
            try #require(answer.status == 200, "\(answer.text)")
            let page = try #require(answer.json.array)
            seen += page.compactMap { $0["id"]?.string }
            target = answer.field("link").flatMap { link in link.split(separator: ">").first.map { String($0.dropFirst()) } }
            if target != nil { #expect(page.count == limit) }
        }
        return seen
    }

    @Test("the audit log is read page by page, filtered, by people alone")
    func audit() async throws {
        try await Panel.run(["TRIVET_WORKERS": "0"]) { panel in
            let site = try await panel.seed()
            for caller in [Caller.automation, .administrator, .automation] {
                let job = try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge", as: caller)
                #expect(try await panel.send("POST", "/api/jobs/\(job)/cancel", as: caller).status == 200)
            }
            let all = try #require(try await panel.get("/_admin/audit").array)
            #expect(all.map { $0["action"]?.string } == [
                "job_cancel", "cache_purge", "job_cancel", "cache_purge", "job_cancel", "cache_purge", "login",
            ])
            #expect(all.first?.object?.keys == [
                "id", "actor", "user_id", "action", "resource_type", "resource_id", "result", "job_id", "created_at",
            ])
            #expect(all[0]["actor"] == "robot" && all[0]["user_id"]?.isNull == true)
            #expect(all[2]["actor"]?.string == Panel.email && all[2]["user_id"]?.string != nil)
            let pages = try #require(try await panel.send("GET", "/_admin/audit?limit=3").field("link"))
            let rest = try await panel.get(String(try #require(pages.split(separator: ">").first).dropFirst()))
            #expect(rest.array.map { Array($0) } == Array(all[3..<6]))
            #expect(try await panel.get("/_admin/audit?action=cache_purge&actor=robot&result=cancelled").array?.count == 2)
            #expect(try await panel.get("/_admin/audit?resource_type=environment&resource_id=\(site.staging)").array?.count == 3)
            for query in ["action=x", "resource_type=x", "result=x", "limit=0", "who=me", "cursor=x", "actor="] {
                try await panel.send("GET", "/_admin/audit?\(query)").expectError(400, "bad_request", nil, query)
            }
            for caller in [Caller.automation, .reader] {
                try await panel.send("GET", "/_admin/audit", as: caller).expectError(403, "forbidden")
            }
        }
    }
}
