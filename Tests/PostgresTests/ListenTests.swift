import EventLoop
import Locking
import Postgres
import TestSupport
import Testing

@Suite struct ListenTests {
    @Test("a notification reaches every listener of its channel, on any loop, and no other") func delivery() async throws {
        try await withTestDatabase { db async throws in
            let listeners = try await withThrowingTaskGroup(of: (String, [ListenEvent]).self) { group in
                let ready = Locked(0)
                for (index, channel) in ["a", "a", "b \"quoted\""].enumerated() {
                    group.addTask {
                        try await TestLoops.group.loops[index % 2].run {
                            var events: [ListenEvent] = []
                            for await event in db.listen(channel, pollEvery: .seconds(3600)) {
                                if event == .poll {
                                    ready.withLock { $0 += 1 }
                                    continue
                                }
                                events.append(event)
                                if event == .notified(payload: "end") { break }
                            }
                            return (channel, events)
                        }
                    }
                }
                try await eventually("all listen") { ready.withLock { $0 >= 3 } }
                for payload in ["1", "ü", "", "end"] {
                    try await db.execute("SELECT pg_notify('a', \(payload))")
                }
                try await db.execute("SELECT pg_notify(\("b \"quoted\""), 'end')")
                return try await group.reduce(into: []) { $0.append($1) }
            }
            for (channel, events) in listeners {
                let expected = channel == "a" ? ["1", "ü", "", "end"] : ["end"]
                #expect(events == expected.map { .notified(payload: $0) })
            }
            let listening = "SELECT count(*) FROM pg_stat_activity WHERE query LIKE 'UNLISTEN%' AND datname = current_database()"
            try await eventually("the channels are given up") { try await db.one(SQL<Int>(text: listening)) == 1 }
        }
    }

    @Test("polling goes on by itself") func polling() async throws {
        try await withTestDatabase { db async throws in
            var polls = 0
            for await event in db.listen("quiet", pollEvery: .milliseconds(20)) {
                #expect(event == .poll)
                polls += 1
                if polls == 4 { break }
            }
            #expect(polls == 4)
        }
    }

    @Test("events end when the database is closed") func closing() async throws {
        try await withTestDatabase { db async throws in
            let task = Task { () -> Int in
                var count = 0
                for await _ in db.listen("x", pollEvery: .seconds(3600)) {
                    count += 1
                    await db.close()
                }
                return count
            }
            #expect(await task.value >= 1)
        }
    }
}
