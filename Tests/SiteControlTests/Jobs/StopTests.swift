import Encoding
import EventLoop
import Postgres
import SiteControlDomain
import TestSupport
import Testing

@testable import SiteControl

/// Cancellation of running jobs (reference 5.8), and what becomes of them when the process is told to stop.
@Suite struct EngineStopTests {
    private static func ask(_ job: UUID, _ bed: JobBed, notify: Bool = true) async throws {
        try await bed.database.execute("UPDATE jobs SET cancel_requested_at = now() WHERE id = \(job)")
        if notify { try await bed.database.execute("SELECT pg_notify('job_cancel', \(job.description))") }
    }

    private static func executor(_ gate: Gate, stopped outcome: AttemptOutcome = .stopped) -> ScriptedExecutor {
        ScriptedExecutor { attempt, _ in
            AttemptReport(outcome: await gate.pass() ? .succeeded(.plain(for: attempt)) : outcome, outputTail: "so far")
        }
    }

    @Test("a running job is stopped on request: by notification, or at the next renewal where that was lost", arguments: [true, false])
    func cancelled(notify: Bool) async throws {
        try await JobBed.run { bed in
            var timings = JobBed.timings
            if !notify { timings.lease = .seconds(1) }
            let gate = Gate()
            let job = try await bed.enqueue(.cachePurge, bed.site())
            try await bed.withEngine(Self.executor(gate), timings: timings) {
                await gate.arrivals()
                try await Self.ask(job, bed, notify: notify)
                let state = try await bed.ending(of: job)
                #expect(state.status == .cancelled && state.tail == "so far" && state.audit == "cancelled")
            }
        }
    }

    @Test("a result that comes before the stop counts; a failure that could be retried does not")
    func cancelledTooLate() async throws {
        try await JobBed.run { bed in
            let outcomes: [(AttemptOutcome, JobStatus)] = [
                (.succeeded(.cachesPurged(pageCacheEntries: 1, objectCacheKeys: 1)), .succeeded),
                (.failed(.ansibleSyntaxError, message: "x"), .failed), (.failed(.ansibleHostFailed, message: "x"), .cancelled),
            ]
            for (outcome, status) in outcomes {
                let gate = Gate()
                let job = try await bed.enqueue(.cachePurge, bed.site())
                try await bed.withEngine(Self.executor(gate, stopped: outcome)) {
                    await gate.arrivals()
                    try await Self.ask(job, bed)
                    let state = try await bed.ending(of: job)
                    #expect(state.status == status)
                }
            }
        }
    }

    @Test("an engine that is told to stop lets a job end within the grace")
    func grace() async throws {
        try await JobBed.run { bed in
            var timings = JobBed.timings
            timings.shutdownGrace = .seconds(60)
            let gate = Gate()
            let job = try await bed.enqueue(.cachePurge, bed.site())
            let engine = RunningEngine(Self.executor(gate), timings: timings, on: bed.database)
            await gate.arrivals()
            async let end: Void = engine.stop()
            // It takes nothing more.
            let next = try await bed.enqueue(.cachePurge, bed.site())
            gate.open()
            await end
            let state = try await bed.state(job)
            #expect(state.status == .succeeded && state.attempts == 1)
            #expect([.queued, .succeeded].contains(try await bed.state(next).status))
        }
    }

    @Test("a job that does not end within the grace is handed back: queued, due at once, its attempt not counted")
    func handedBack() async throws {
        try await JobBed.run { bed in
            let site = try await bed.site()
            let gate = Gate()
            let job = try await bed.enqueue(.environmentDeploy, site, payload: ["source_type": "git", "source_ref": "x"])
            let engine = RunningEngine(Self.executor(gate), on: bed.database)
            await gate.arrivals()
            await engine.stop()
            let state = try await bed.state(job)
            #expect(state.status == .queued && state.attempts == 0 && state.code == nil && state.audit == "accepted")
            #expect(try await bed.status(ofEnvironment: site.production) == .deploying)
            #expect(try await bed.value("SELECT run_after <= now() FROM jobs WHERE id = \(job)" as SQL<Bool>))
            #expect(try await bed.events(job) == ["state queued", "state running", "state queued"])
            // The next worker finds site and environment as the first one has left them.
            try await bed.withEngine(ScriptedExecutor.succeeding) {
                let state = try await bed.ending(of: job)
                #expect(state.status == .succeeded && state.attempts == 1)
            }
        }
    }

    @Test("an engine that may not claim takes nothing")
    func mayNotClaim() async throws {
        try await JobBed.run { bed in
            let job = try await bed.enqueue(.cachePurge, bed.site())
            let engine = JobEngine(
                database: bed.database, loops: TestLoops.group, executor: ScriptedExecutor.succeeding, slots: 1,
                timings: JobBed.timings, logger: JobBed.logger, metrics: JobBed.metrics(), signals: JobSignals(bed.database)
            ) { false }
            await TestLoops.group.nextLoop().spawn { await engine.run() }.value
            #expect(try await bed.state(job).status == .queued)
        }
    }
}
