import Encoding
import EventLoop
import TestSupport
import Testing

@testable import SiteControl

/// `site-control worker`: jobs, and no API.
@Suite struct WorkerCommandTests {
    @Test("a worker runs the jobs that a process without workers accepts, answers health alone, and ends in order")
    func worker() async throws {
        try await Panel.run(Panel.fastJobs.merging(["TRIVET_WORKERS": "0"]) { $1 }) { panel in
            let site = try await panel.seed()
            let job = try await panel.accept("POST", "/api/environments/\(site.production)/cache/purge")
            let worker = try await ServiceUnderTest.start(
                Panel.name, environment: panel.environment.merging(["TRIVET_WORKERS": "2"]) { $1 }, arguments: ["worker"])
            #expect(try await panel.ended(job)["status"]?.string == "succeeded")
            for (path, status) in [("/healthz", 200), ("/readyz", 200), ("/metrics", 200), ("/api/sites", 404), ("/api/login", 404)] {
                #expect(try await TestClient.exchange(worker.address, "GET", path).status == status, "\(path)")
            }
            #expect(await worker.end() == .exited(code: 0))
        }
    }

    @Test("a worker without slots has nothing to do, and says so")
    func withoutSlots() async throws {
        let outcome = try await ServiceUnderTest.run(
            Panel.name, ["worker"],
            environment: [
                "TRIVET_DATABASE_URL": "postgres://127.0.0.1:1/x", "TRIVET_SECRETS_DIRECTORY": "/nonexistent", "TRIVET_WORKERS": "0",
            ])
        #expect(outcome.exit == .exited(code: 78))
        #expect(outcome.error.contains("TRIVET_WORKERS"))
    }
}
