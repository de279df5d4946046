import Encoding
import EventLoop
import Postgres
import SiteControlDomain
import TestSupport
import Testing

@testable import SiteControl

/// What a run tells while it is under way.
@Suite struct ProgressTests {
    @Test("lines and events of a run come in their order, before its end, whatever it was")
    func order() async throws {
        try await JobBed.run { bed in
            let gate = Gate()
            let executor = ScriptedExecutor { attempt, progress in
                await progress.line(.output, "one")
                await progress.event(JSONObject(of: ["event": "task", "name": "a\0b"]))
                _ = await gate.pass()
                for number in 0..<1200 { await progress.line(.error, "line \(number)\0") }
                return AttemptReport(outcome: .succeeded(.plain(for: attempt)), outputTail: "")
            }
            let job = try await bed.enqueue(.cachePurge, bed.site())
            try await bed.withEngine(executor) {
                // What was told is there while the job runs.
                for await _ in bed.database.listen("job_event", pollEvery: .milliseconds(100)) {
                    if try await bed.events(job).count >= 4 { break }
                }
                #expect(try await bed.events(job) == ["state queued", "state running", "output", "progress"])
                gate.open()
                try await bed.ending(of: job)
            }
            let rows = try await bed.database.query(
                "SELECT seq, data->>'line' FROM job_events WHERE job_id = \(job) ORDER BY seq" as SQL<Columns<Int, String?>>)
            #expect(rows.map(\.values.0) == Array(1...1205))
            #expect(rows.dropFirst(4).dropLast().map(\.values.1) == (0..<1200).map { "line \($0)\u{FFFD}" })
            #expect(try await bed.events(job).last == "state succeeded")
            #expect(try await bed.value("SELECT event_seq FROM jobs WHERE id = \(job)" as SQL<Int>) == 1205)
        }
    }

    @Test("of more output than is kept an event tells, once")
    func cap() async throws {
        try await JobBed.run { bed in
            let line = String(repeating: "x", count: 8191)
            let executor = ScriptedExecutor { attempt, progress in
                for _ in 0..<200 { await progress.line(.output, line) }
                await progress.line(.output, String(repeating: "y", count: 100_000))
                for _ in 0..<300 { await progress.event(JSONObject(of: ["event": .string(line)])) }
                return AttemptReport(outcome: .succeeded(.plain(for: attempt)), outputTail: "")
            }
            let job = try await bed.enqueue(.cachePurge, bed.site())
            try await bed.withEngine(executor) { try await bed.ending(of: job) }
            let kept = try await bed.value(
                """
                SELECT sum(length(data->>'line'))::int, count(*) FILTER (WHERE data->>'truncated' = 'true'),
                    count(*) FILTER (WHERE kind = 'progress') FROM job_events WHERE job_id = \(job)
                """ as SQL<Columns<Int, Int, Int>>
            ).values
            #expect(kept.0 == 128 * 8191 && kept.1 == 1 && (100...128).contains(kept.2))
        }
    }

    @Test("nothing that was told is lost while the database is away for a moment")
    func outage() async throws {
        let server = try await PostgresServer.start()
        defer { server.kill() }
        let database = Database(DatabaseConfiguration(url: server.url), loops: TestLoops.group)
        database.start()
        let bed = try await JobBed(database)
        let (away, back) = (Gate(), Gate())
        let executor = ScriptedExecutor { attempt, progress in
            await progress.line(.output, "before")
            _ = await away.pass()
            await progress.line(.output, "while it was away")
            _ = await back.pass()
            await progress.line(.output, "after")
            return AttemptReport(outcome: .succeeded(.plain(for: attempt)), outputTail: "")
        }
        let job = try await bed.enqueue(.cachePurge, bed.site())
        let engine = RunningEngine(executor, on: database)
        await away.arrivals()
        server.stop()
        away.open()
        await back.arrivals()
        try await server.start()
        back.open()
        for await _ in database.listen("job_event", pollEvery: .milliseconds(100)) {
            if let state = try? await bed.state(job), !state.status.isOpen { break }
        }
        let lines = try await database.query(
            "SELECT data->>'line' FROM job_events WHERE job_id = \(job) AND kind = 'output' ORDER BY seq" as SQL<String>)
        // A write whose answer was lost is repeated.
        var distinct: [String] = []
        for line in lines where !distinct.contains(line) { distinct.append(line) }
        #expect(distinct == ["before", "while it was away", "after"])
        await engine.stop()
        await database.close()
    }
}
