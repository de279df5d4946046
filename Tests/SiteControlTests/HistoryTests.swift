import Encoding
import Postgres
import TestSupport
import Testing

@testable import SiteControl

/// What has happened stays as it was.
@Suite struct HistoryTests {
    @Test("releases, drift checks, audit rows, events and finished jobs do not change")
    func immutable() async throws {
        try await PanelService.run { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            try await panel.database.checkDrift(of: site.staging)
            let job = try await panel.accepted("POST", "/api/environments/\(site.staging)/cache/purge")
            try await panel.database.endJob(job)
            let refused: [Command] = [
                "UPDATE releases SET path = '/other'", "DELETE FROM releases", "TRUNCATE releases CASCADE",
                "UPDATE drift_checks SET status = 'drifted'", "DELETE FROM drift_checks", "TRUNCATE drift_checks CASCADE",
                "UPDATE audit_logs SET actor = 'nobody'", "DELETE FROM audit_logs", "TRUNCATE audit_logs",
                "UPDATE job_events SET kind = 'output'", "TRUNCATE job_events",
                "UPDATE jobs SET locked_by = NULL", "DELETE FROM jobs", "TRUNCATE jobs CASCADE",
                "UPDATE sites SET slug = 'other'", "UPDATE environments SET preview_url = 'other'",
            ]
            for statement in refused {
                await #expect(throws: DatabaseError.self, "\(statement.text)") { try await panel.database.execute(statement) }
            }
        }
    }

    @Test("an audit row takes its result once")
    func resultOnce() async throws {
        try await PanelService.run { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            let job = try await panel.accepted("POST", "/api/environments/\(site.staging)/cache/purge")
            #expect(try await panel.database.execute("UPDATE audit_logs SET result = 'succeeded' WHERE job_id = \(job)") == 1)
            await #expect(throws: DatabaseError.self) {
                try await panel.database.execute("UPDATE audit_logs SET result = 'failed' WHERE job_id = \(job)")
            }
        }
    }

    @Test("a claim takes a term that no one held, and nothing else changes attempt or term")
    func fencing() async throws {
        try await PanelService.run { panel in
            let site = try await panel.database.addSite("one", on: panel.node)
            let job = try await panel.accepted("POST", "/api/environments/\(site.staging)/cache/purge")
            let lease: SQLFragment = "locked_by = 'a', locked_at = now(), lease_expires_at = now(), started_at = now()"
            let refused: [Command] = [
                "UPDATE jobs SET status = 'running', \(lease), attempt_count = 1 WHERE id = \(job)",
                "UPDATE jobs SET status = 'running', \(lease), fencing_term = 7 WHERE id = \(job)",
                "UPDATE jobs SET fencing_term = 7 WHERE id = \(job)",
                "UPDATE jobs SET attempt_count = 1 WHERE id = \(job)",
                "UPDATE jobs SET event_seq = 0 WHERE id = \(job)",
            ]
            for statement in refused {
                await #expect(throws: DatabaseError.self, "\(statement.text)") { try await panel.database.execute(statement) }
            }
            try await panel.database.startJob(job)
            await #expect(throws: DatabaseError.self) {
                try await panel.database.execute("UPDATE jobs SET fencing_term = fencing_term + 1 WHERE id = \(job)")
            }
        }
    }
}
