import Encoding
import Postgres
import TestSupport
import Testing

/// The way out of `failed`.
@Suite struct ResetTests {
    @Test("only what has failed can be reset")
    func notFailed() async throws {
        try await PanelService.run { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            for target in ["/api/sites/\(site.id)/reset", "/api/environments/\(site.staging)/reset"] {
                let response = try await panel.send("POST", target)
                #expect(response.status == 409 && response.code == "resource_not_failed", "\(response.text)")
            }
        }
    }

    @Test("a failed environment and then its site become active again, each with its audit row")
    func recovered() async throws {
        try await PanelService.run { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            try await fail(panel, "environments", site.production)
            try await fail(panel, "sites", site.id)
            let refused = try await panel.send("POST", "/api/sites/\(site.id)/reset")
            #expect(refused.code == "reset_validation_failed")
            #expect(checks(refused) == ["primary_environment_active"])
            for target in ["/api/environments/\(site.production)/reset", "/api/sites/\(site.id)/reset"] {
                let response = try await panel.send("POST", target)
                #expect(response.status == 200)
                #expect(try response.document == ["success": true, "status": "active"])
            }
            let audit = try await panel.database.query(
                "SELECT action FROM audit_logs WHERE result = 'succeeded' ORDER BY created_at" as SQL<String>)
            #expect(audit == ["environment_reset", "site_reset"])
        }
    }

    @Test("it is refused while a job is open, and where the current release is none to go back to")
    func unsafe() async throws {
        try await PanelService.run { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            try await fail(panel, "environments", site.staging)
            try await panel.database.execute(
                "UPDATE releases SET health_status = 'unhealthy' WHERE environment_id = \(site.staging)")
            let job = try await panel.accepted("POST", "/api/environments/\(site.production)/cache/purge")
            let target = "/api/environments/\(site.staging)/reset"
            let before = try await panel.database.rowCounts()
            let response = try await panel.send("POST", target)
            #expect(response.status == 409 && response.code == "reset_validation_failed")
            #expect(checks(response) == ["no_open_job", "current_release_not_unhealthy"])
            try await panel.database.execute("UPDATE environments SET current_release_id = NULL WHERE id = \(site.staging)")
            #expect(checks(try await panel.send("POST", target)) == ["no_open_job", "current_release_exists"])
            try await panel.database.endJob(job)
            #expect(checks(try await panel.send("POST", target)) == ["current_release_exists"])
            #expect(try await panel.database.rowCounts()[6] == before[6])
        }
    }

    private func checks(_ response: TestResponse) -> [String] {
        (try? response.document)?["details"]?["failed_checks"]?.array?.compactMap(\.string) ?? []
    }

    private func fail(_ panel: PanelService, _ table: String, _ id: Encoding.UUID) async throws {
        for status in ["deploying", "failed"] {
            try await panel.database.execute("UPDATE \(identifier: table) SET status = \(status) WHERE id = \(id)")
        }
    }
}
