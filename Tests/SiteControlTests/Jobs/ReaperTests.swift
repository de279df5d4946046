import Encoding
import Postgres
import SiteControlDomain
import TestSupport
import Testing

@testable import SiteControl

/// Reference 5.6: nothing stays `running` without a live lease.
@Suite struct ReaperTests {
    /// A job that a worker has taken and left.
    private static func abandoned(_ bed: JobBed, _ site: JobBed.Site, maxAttempts: Int = 3) async throws -> UUID {
        let job = try await bed.enqueue(
            .environmentDeploy, site, payload: ["source_type": "git", "source_ref": "x"], maxAttempts: maxAttempts)
        let taken = try await Claim(database: bed.database, worker: .make(), timings: JobBed.timings)(limit: 1)
        #expect(taken.jobs.map(\.ticket.id) == [job])
        try await bed.database.execute("UPDATE jobs SET lease_expires_at = now() WHERE id = \(job)")
        return job
    }

    @Test("a job of a lost worker waits for its next attempt while there is one")
    func requeued() async throws {
        try await JobBed.run { bed in
            var timings = JobBed.timings
            timings.backoff = [.seconds(60)]
            let site = try await bed.site()
            let job = try await Self.abandoned(bed, site)
            #expect(try await bed.reaper(timings).reap() == 1)
            let state = try await bed.state(job)
            #expect(state.status == .queued && state.code == "WORKER_LOST" && state.attempts == 1 && state.audit == "accepted")
            #expect(state.message?.contains(":") == true)
            #expect(try await bed.status(ofEnvironment: site.production) == .deploying)
            #expect(try await bed.value(
                "SELECT run_after = updated_at + interval '60 seconds' FROM jobs WHERE id = \(job)" as SQL<Bool>))
            #expect(try await bed.reaper(timings).reap() == 0)
        }
    }

    @Test("without attempts left it fails, and with a cancel request it is cancelled; what it had begun fails with it")
    func ended() async throws {
        try await JobBed.run { bed in
            let (first, second) = (try await bed.site(), try await bed.site())
            let failed = try await Self.abandoned(bed, first, maxAttempts: 1)
            let cancelled = try await Self.abandoned(bed, second)
            try await bed.database.execute("UPDATE jobs SET cancel_requested_at = now() WHERE id = \(cancelled)")
            #expect(try await bed.reaper().reap() == 2)
            let state = try await bed.state(failed)
            #expect(state.status == .failed && state.code == "WORKER_LOST" && state.audit == "failed")
            let other = try await bed.state(cancelled)
            #expect(other.status == .cancelled && other.code == nil && other.audit == "cancelled")
            for site in [first, second] {
                #expect(try await bed.status(ofEnvironment: site.production) == .failed)
                #expect(try await bed.status(ofSite: site.site) == .failed)
            }
        }
    }

    @Test("reapers that race take every job once")
    func race() async throws {
        try await JobBed.run { bed in
            var jobs: [UUID] = []
            for _ in 0..<20 { jobs.append(try await Self.abandoned(bed, bed.site())) }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 { group.addTask { _ = try await bed.reaper().reap() } }
                try await group.waitForAll()
            }
            for job in jobs {
                #expect(try await bed.state(job).status == .queued)
                #expect(try await bed.events(job) == ["state queued", "state running", "state queued"])
            }
        }
    }

    @Test("a job that someone still works on is left alone")
    func alive() async throws {
        try await JobBed.run { bed in
            _ = try await bed.enqueue(.cachePurge, bed.site())
            _ = try await Claim(database: bed.database, worker: .make(), timings: JobBed.timings)(limit: 1)
            #expect(try await bed.reaper().reap() == 0)
        }
    }
}
