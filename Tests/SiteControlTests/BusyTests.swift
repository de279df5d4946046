import Encoding
import Postgres
import TestSupport
import Testing

/// One open mutation per site, whoever asks and however many at once.
@Suite struct BusyTests {
    @Test("of 100 mutations of one site at once one is accepted, and 99 leave nothing")
    func hundred() async throws {
        try await PanelService.run(instances: 2) { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            let other = try await panel.database.addSite("two", on: panel.node)
            let staging = "/api/environments/\(site.staging)"
            let calls: [(String, String, String?)] = [
                ("POST", staging + "/cache/purge", nil), ("POST", staging + "/backups", #"{"backup_scope":"full"}"#),
                ("POST", staging + "/domains", #"{"hostname":"a.example"}"#), ("POST", staging + "/updates", #"{"scope":"all"}"#),
                ("POST", "/api/sites/\(site.id)/environments", #"{"name":"QA","slug":"qa","type":"clone","promotion_preset":"content-protect"}"#),
            ]
            let instances = panel.instances
            let answers = try await withThrowingTaskGroup(of: TestResponse.self) { group in
                for number in 0..<100 {
                    let (method, target, body) = calls[number % calls.count]
                    group.addTask { try await panel.send(method, target, body, to: instances[number % 2]) }
                }
                return try await group.reduce(into: [TestResponse]()) { $0.append($1) }
            }
            #expect(answers.count { $0.status == 202 } == 1)
            #expect(answers.count { $0.status == 409 } == 99)
            // Once the name is written, asking for it again is told so first.
            #expect(answers.allSatisfy { $0.status == 202 || ["site_busy", "slug_taken", "hostname_taken"].contains($0.reason) })
            let rows = try await panel.database.one(
                "SELECT ARRAY[(SELECT count(*) FROM jobs), (SELECT count(*) FROM job_events), (SELECT count(*) FROM audit_logs)]"
                    as SQL<[Int64]>)
            #expect(rows == [1, 1, 1])
            let related = try await panel.database.one(
                """
                SELECT (SELECT count(*) FROM backups) + (SELECT count(*) FROM domains)
                    + (SELECT count(*) FROM environments WHERE slug = 'qa')
                """ as SQL<Int64>)
            #expect(related <= 1)
            // Another site on the same node is not busy.
            _ = try await panel.accepted("POST", "/api/environments/\(other.staging)/cache/purge")
        }
    }

    @Test("of 50 sites with one slug at once one is made")
    func oneSlug() async throws {
        try await PanelService.run(instances: 2) { panel in
            let instances = panel.instances
            let answers = try await withThrowingTaskGroup(of: TestResponse.self) { group in
                for number in 0..<50 {
                    group.addTask {
                        try await panel.send("POST", "/api/sites", #"{"name":"a","slug":"a"}"#, to: instances[number % 2])
                    }
                }
                return try await group.reduce(into: [TestResponse]()) { $0.append($1) }
            }
            #expect(answers.count { $0.status == 202 } == 1)
            #expect(answers.allSatisfy { $0.status == 202 || $0.reason == "slug_taken" })
            #expect(try await panel.database.one("SELECT count(*) FROM environments" as SQL<Int64>) == 1)
        }
    }

    @Test("a job keeps its site busy until it has ended, also while it runs and while it waits for its next attempt")
    func busyUntilTheEnd() async throws {
        try await PanelService.run { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            let target = "/api/environments/\(site.production)/cache/purge"
            let job = try await panel.accepted("POST", target)
            #expect(try await panel.send("POST", target).reason == "site_busy")
            try await panel.database.startJob(job)
            #expect(try await panel.send("POST", target).reason == "site_busy")
            try await panel.database.execute(
                """
                UPDATE jobs SET status = 'queued', run_after = now() + interval '1 hour', locked_by = NULL, locked_at = NULL,
                    lease_expires_at = NULL, error_code = 'WORKER_LOST', error_message = 'lost' WHERE id = \(job)
                """)
            #expect(try await panel.send("POST", target).reason == "site_busy")
            try await panel.database.execute("UPDATE jobs SET status = 'cancelled', finished_at = now() WHERE id = \(job)")
            _ = try await panel.accepted("POST", target)
        }
    }
}
