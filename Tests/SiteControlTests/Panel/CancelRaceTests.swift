import Encoding
import Foundation
import TestSupport
import Testing

@Suite struct CancelRaceTests {
    @Test("a cancel that races with the claim and the end of its job, on two instances, leaves one true state")
    func races() async throws {
        try await Panel.run(Panel.fastJobs, instances: 2) { panel in
            let sites = try await withThrowingTaskGroup(of: SeededSite.self) { group in
                for _ in 0..<12 { group.addTask { try await panel.seed() } }
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for _ in 0..<4 {
                try await withThrowingTaskGroup(of: Void.self) { group in
                    for site in sites {
                        group.addTask { try await Self.race(site, on: panel) }
                    }
                    try await group.waitForAll()
                }
            }
            #expect(try await panel.count("jobs WHERE status IN ('queued', 'running')") == 0)
            #expect(try await panel.count("audit_logs WHERE result = 'accepted'") == 0)
        }
    }

    private static func race(_ site: SeededSite, on panel: Panel) async throws {
        let job = try await panel.accept("POST", "/api/environments/\(site.staging)/cache/purge", as: .automation)
        let answers = try await withThrowingTaskGroup(of: Answer.self) { group in
            for instance in panel.instances {
                group.addTask { try await panel.send("POST", "/api/jobs/\(job)/cancel", as: .automation, to: instance) }
            }
            return try await group.reduce(into: []) { $0.append($1) }
        }
        let ended = try await panel.ended(job)
        let status = try #require(ended["status"]?.string)
        for answer in answers {
            if answer.status == 409 {
                #expect(answer.code == "job_not_cancellable")
            } else {
                #expect(answer.status == 200 && answer.json["status"]?.string == status, "\(answer.text) \(status)")
            }
        }
        #expect(try await panel.count("audit_logs WHERE job_id = '\(job)' AND action = 'job_cancel'") <= 1)
        #expect(try await panel.row("SELECT result FROM audit_logs WHERE job_id = '\(job)' AND action = 'cache_purge'")["result"]?.string == status)
        let events = try await TestLoops.run { try await panel.watch(job).rest() }
        #expect(events.map(\.id) == Array(1...Int64(events.count)))
        #expect(events.last?.data["status"]?.string == status)
    }
}
