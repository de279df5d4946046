import Encoding
import EventLoop
import Postgres
import SiteControlDomain
import TestSupport
import Testing

@testable import SiteControl

/// Reference 5.6: who loses a job changes nothing any more.
@Suite struct LeaseTests {
    /// Leases that tests can see the end of.
    private static var short: JobTimings {
        var timings = JobBed.timings
        timings.lease = .milliseconds(900)
        timings.childGrace = .milliseconds(200)
        return timings
    }

    private static func stoppable(_ gate: Gate) -> ScriptedExecutor {
        ScriptedExecutor { attempt, _ in
            AttemptReport(outcome: await gate.pass() ? .succeeded(.plain(for: attempt)) : .stopped, outputTail: "")
        }
    }

    @Test("a lease is renewed for as long as the job runs")
    func renewal() async throws {
        try await JobBed.run { bed in
            let gate = Gate()
            let job = try await bed.enqueue(.cachePurge, bed.site())
            // Long enough for a busy machine to renew it in time.
            var timings = Self.short
            timings.lease = .seconds(4)
            try await bed.withEngine(Self.stoppable(gate), timings: timings) {
                await gate.arrivals()
                let first = try await bed.value("SELECT lease_expires_at FROM jobs WHERE id = \(job)" as SQL<Timestamp>)
                // Long past the first lease, by the database's clock.
                for await _ in bed.database.listen("nothing", pollEvery: .milliseconds(50)) {
                    if try await bed.value("SELECT now() > \(first) + interval '1 second'" as SQL<Bool>) { break }
                }
                #expect(try await bed.reaper(Self.short).reap() == 0)
                gate.open()
                let state = try await bed.ending(of: job)
                #expect(state.status == .succeeded && state.attempts == 1)
            }
        }
    }

    @Test("a run whose job was given to someone else is stopped, and its outcome dropped")
    func stolen() async throws {
        try await JobBed.run { bed in
            let (hung, stopped) = (Gate(), Gate())
            stopped.open()
            let job = try await bed.enqueue(.cachePurge, bed.site())
            let executor = ScriptedExecutor { _, _ in
                let passed = await hung.pass()
                _ = await stopped.pass()
                return AttemptReport(outcome: passed ? .failed(.jobTimeout, message: "?") : .stopped, outputTail: "")
            }
            let engine = RunningEngine(executor, timings: Self.short, on: bed.database)
            await hung.arrivals()
            // As a reaper and another worker would, had the lease run out.
            try await bed.database.execute(
                """
                UPDATE jobs SET status = 'queued', locked_by = NULL, locked_at = NULL, lease_expires_at = NULL,
                    run_after = now() + interval '1 hour' WHERE id = \(job)
                """)
            await stopped.arrivals()
            await engine.stop()
            #expect(engine.metric("trivet_job_outcomes_total{")?.contains("dropped") == true)
            #expect(engine.metric("trivet_job_leases_lost_total") == "trivet_job_leases_lost_total 1")
            #expect(try await bed.state(job).status == .queued)
            #expect(try await bed.events(job) == ["state queued", "state running"])
        }
    }

    @Test("an outcome that comes after the lease has ended is refused by the fence, whoever holds the job")
    func lateOutcome() async throws {
        try await JobBed.run { bed in
            let site = try await bed.site()
            let job = try await bed.enqueue(.environmentDeploy, site, payload: ["source_type": "git", "source_ref": "x"])
            let claim = Claim(database: bed.database, worker: .make(), timings: JobBed.timings)
            let ticket = try #require(try await claim(limit: 1).jobs.first?.ticket)
            let outcomes = JobOutcomes(
                database: bed.database, timings: JobBed.timings, logger: JobBed.logger, signals: JobSignals(bed.database))
            func record(_ ticket: JobTicket, _ term: Int64) async throws -> JobOutcomes.Recorded {
                let row = try await bed.database.query(
                    """
                    SELECT j.id, j.job_type, j.site_id, j.environment_id, j.node_id, j.payload_json, j.attempt_count, j.max_attempts,
                        \(term)::bigint, j.created_at FROM jobs j WHERE j.id = \(job)
                    """ as SQL<JobTicket>)
                let event = NewJobEvent(.output, JSONObject(of: ["stream": "stdout", "line": "late"]))
                return await outcomes.record(
                    .succeeded(.deployed(ChangedRelease(path: "/late"))), of: row[0], outputTail: "late", events: [event]
                ) { true }
            }
            #expect(try await record(ticket, ticket.term - 1) == .lost)
            #expect(try await record(ticket, ticket.term + 1) == .lost)
            try await bed.database.execute("UPDATE jobs SET lease_expires_at = now() - interval '1 second' WHERE id = \(job)")
            #expect(try await record(ticket, ticket.term) == .lost)
            #expect(try await bed.value("SELECT count(*) FROM releases WHERE path = '/late'" as SQL<Int>) == 0)
            #expect(try await bed.status(ofEnvironment: site.production) == .deploying)
            #expect(try await bed.events(job) == ["state queued", "state running"])
            let progress = try await bed.database.execute(
                JobEvents.append(job, term: ticket.term, [NewJobEvent(.progress, JSONObject())]))
            #expect(progress == 0)
            try await bed.database.execute("UPDATE jobs SET lease_expires_at = now() + interval '1 minute' WHERE id = \(job)")
            #expect(try await record(ticket, ticket.term) == .recorded)
            #expect(try await bed.state(job).status == .succeeded)
            #expect(try await record(ticket, ticket.term) == .lost)
        }
    }

    @Test("a database that is away for longer than the lease costs the attempt: the child is stopped, the job runs again")
    func outage() async throws {
        let server = try await PostgresServer.start()
        defer { server.kill() }
        var configuration = DatabaseConfiguration(url: server.url)
        configuration.statementTimeout = .seconds(2)
        let database = Database(configuration, loops: TestLoops.group)
        database.start()
        let bed = try await JobBed(database)
        let (hung, ended) = (Gate(), Gate())
        let executor = ScriptedExecutor { attempt, _ in
            guard attempt.number == 1 else {
                return AttemptReport(outcome: .succeeded(.plain(for: attempt)), outputTail: "")
            }
            let passed = await hung.pass()
            _ = await Task { await ended.pass() }.value
            return AttemptReport(outcome: passed ? .failed(.jobTimeout, message: "?") : .stopped, outputTail: "")
        }
        let site = try await bed.site()
        let job = try await bed.enqueue(.environmentDeploy, site, payload: ["source_type": "git", "source_ref": "x"])
        let engine = RunningEngine(executor, timings: Self.short, on: database)
        await hung.arrivals()
        server.freeze()
        // The child is stopped while the database is still away.
        await ended.arrivals()
        server.thaw()
        ended.open()
        let reaper = bed.reaper(Self.short)
        let reaping = TestLoops.group.nextLoop().spawn { try? await reaper.run() }
        let state = try await bed.ending(of: job)
        #expect(state.status == .succeeded && state.attempts == 2)
        #expect(executor.attempts.map(\.number).prefix(2) == [1, 2])
        #expect(engine.metric("trivet_job_leases_lost_total") == "trivet_job_leases_lost_total 1")
        #expect(try await bed.value("SELECT count(*) FROM job_events WHERE data->>'error_code' = 'WORKER_LOST'" as SQL<Int>) == 1)
        reaping.cancel()
        await reaping.value
        await engine.stop()
        await database.close()
    }

    @Test("an outcome waits for a database that restarts")
    func restart() async throws {
        let server = try await PostgresServer.start()
        defer { server.kill() }
        let database = Database(DatabaseConfiguration(url: server.url), loops: TestLoops.group)
        database.start()
        let bed = try await JobBed(database)
        let gate = Gate()
        let job = try await bed.enqueue(.cachePurge, bed.site())
        let engine = RunningEngine(Self.stoppable(gate), on: database)
        await gate.arrivals()
        server.stop()
        gate.open()
        try await server.start()
        for await _ in database.listen("job_event", pollEvery: .milliseconds(100)) {
            guard let state = try? await bed.state(job), !state.status.isOpen else { continue }
            #expect(state.status == .succeeded && state.attempts == 1)
            break
        }
        await engine.stop()
        await database.close()
    }
}
