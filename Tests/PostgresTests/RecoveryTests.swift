import EventLoop
import Locking
import Postgres
import TestSupport
import Testing

/// Servers that are killed, restarted or frozen under load. Each test has one of its own.
@Suite(.serialized) struct RecoveryTests {
    private func withServer(
        _ configure: (inout DatabaseConfiguration) -> Void = { _ in }, _ body: (PostgresServer, Database) async throws -> Void
    ) async throws {
        let server = try await PostgresServer.start()
        defer { server.remove() }
        var configuration = DatabaseConfiguration(url: server.url)
        configuration.reconnectDelay = .milliseconds(10)
        configuration.reconnectDelayMax = .milliseconds(100)
        configuration.connectTimeout = .seconds(60)
        configuration.acquireTimeout = .seconds(60)
        configuration.statementTimeout = .seconds(60)
        configure(&configuration)
        let db = Database(configuration, loops: TestLoops.group)
        db.start()
        do {
            try await body(server, db)
        } catch {
            await db.close(grace: .zero)
            throw error
        }
        await db.close(grace: .zero)
    }

    private struct Tally: Sendable {
        var acknowledged: [Int] = []
        var unknown: Set<Int> = []
        var refused = 0
        var unexpected: [String] = []
        var isOver = false
    }

    @Test("a server killed and started again under load: nothing hangs, no acknowledged write is lost", arguments: [true, false])
    func restart(crash: Bool) async throws {
        try await withServer { server, db async throws in
            try await db.execute("CREATE TABLE t (id int8 PRIMARY KEY)")
            let tally = Locked(Tally())
            let writers = (0..<32).map { writer in
                Task(executorPreference: TestLoops.group.loops[writer % 2]) {
                    var number = 0
                    while !tally.withLock({ $0.isOver }) {
                        let id = writer + 32 * number
                        number += 1
                        await write(id, inTransaction: writer % 4 == 0, db, tally)
                    }
                }
            }
            for _ in 0..<3 {
                let before = tally.withLock { $0.acknowledged.count }
                try await eventually("writes succeed") { tally.withLock { $0.acknowledged.count } > before + 500 }
                server.stop(with: crash ? 9 : 2)
                let refused = tally.withLock { $0.refused }
                try await eventually("writes are refused promptly") { tally.withLock { $0.refused } > refused + 100 }
                try await eventually("all loops have noticed") { !db.status.isReachable }
                try await server.start()
            }
            let before = tally.withLock { $0.acknowledged.count }
            try await eventually("writes succeed again") { tally.withLock { $0.acknowledged.count } > before + 500 }
            tally.withLock { $0.isOver = true }
            for writer in writers { _ = await writer.value }
            let end = tally.withLock { $0 }
            #expect(end.unexpected.isEmpty, "\(end.unexpected.prefix(3))")
            let stored = Set(try await db.query("SELECT id FROM t" as SQL<Int>))
            #expect(end.acknowledged.allSatisfy { stored.contains($0) })
            // And nothing is stored that was not acknowledged, unless its outcome was called unknown.
            #expect(stored.subtracting(end.acknowledged).subtracting(end.unknown).isEmpty)
            try await eventually("all is as before") { db.status.isReachable && db.status.statementsInFlight == 0 }
        }
    }

    private func write(_ id: Int, inTransaction: Bool, _ db: Database, _ tally: Locked<Tally>) async {
        do {
            if inTransaction {
                try await db.transaction { try await $0.execute("INSERT INTO t VALUES (\(id))") }
            } else {
                try await db.execute("INSERT INTO t VALUES (\(id))")
            }
            tally.withLock { $0.acknowledged.append(id) }
        } catch DatabaseError.unavailable(_, let outcomeUnknown) {
            tally.withLock { tally in
                tally.refused += 1
                if outcomeUnknown { tally.unknown.insert(id) }
            }
            // Lets other tasks of the loop in.
            try? await Task.sleep(for: .milliseconds(1))
        } catch {
            tally.withLock { $0.unexpected.append("\(error)") }
        }
    }

    @Test("a frozen server does not hang callers, and is used again when it thaws") func frozen() async throws {
        try await withServer({
            $0.statementTimeout = .milliseconds(300)
            $0.answerGrace = .milliseconds(100)
            $0.connectTimeout = .milliseconds(500)
            $0.acquireTimeout = .milliseconds(500)
        }) { server, db async throws in
            #expect(try await db.one("SELECT 1" as SQL<Int>) == 1)
            try await db.withSession { _ in }
            // A call may go to any loop: each has its connections before the server stops answering.
            while !db.status.isReachableFromEveryLoop { try await Task.sleep(for: .milliseconds(2)) }
            server.freeze()
            let began = MonotonicTime.now()
            var errors: [DatabaseError] = []
            for _ in 0..<2 {
                do throws(DatabaseError) { _ = try await db.one("SELECT 2" as SQL<Int>) } catch { errors.append(error) }
                do { try await db.transaction { try await $0.execute("SELECT 3") } } catch let error as DatabaseError {
                    errors.append(error)
                }
            }
            #expect(errors.count == 4)
            #expect(errors.first == .timedOut(outcomeUnknown: true))
            // Far more than it takes; a caller that hangs would be here for good.
            #expect(MonotonicTime.now() - began < .seconds(30))
            let task = Task {
                try await db.withSession(statementTimeout: .zero) { try await $0.execute("SELECT pg_sleep(600)") }
            }
            task.cancel()
            _ = await task.result
            server.thaw()
            try await eventually("it answers again") { (try? await db.one("SELECT 4" as SQL<Int>)) == 4 }
            try await eventually("sessions work again") {
                (try? await db.transaction { try await $0.one("SELECT 5" as SQL<Int>) }) == 5
            }
        }
    }

    @Test("a statement cancelled on a frozen server ends with the cancel's time limit") func cancelFrozen() async throws {
        try await withServer { server, db async throws in
            let task = Task {
                try await db.withSession(statementTimeout: .zero) { try await $0.execute("SELECT pg_sleep(600)") }
            }
            try await eventually("it sleeps") {
                try await db.one("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'PgSleep'" as SQL<Int>) == 1
            }
            server.freeze()
            task.cancel()
            let result = await task.result
            #expect(throws: DatabaseError.cancelled) { try result.get() }
            server.thaw()
            #expect(try await db.one("SELECT 1" as SQL<Int>) == 1)
        }
    }

    @Test("a server that is not there is told at once, and used when it comes") func absent() async throws {
        let server = try await PostgresServer.start()
        defer { server.remove() }
        server.stop()
        var configuration = DatabaseConfiguration(url: server.tcpURL)
        configuration.reconnectDelayMax = .milliseconds(100)
        let db = Database(configuration, loops: TestLoops.group)
        db.start()
        for _ in 0..<50 {
            let error = await #expect(throws: DatabaseError.self) { try await db.one("SELECT 1" as SQL<Int>) }
            guard case .unavailable(_, outcomeUnknown: false)? = error else {
                Issue.record("\(String(describing: error))")
                break
            }
            await #expect(throws: DatabaseError.self) { try await db.withSession { _ in } }
        }
        #expect(!db.status.isReachable)
        try await server.start()
        try await eventually("it is reached") { (try? await db.one("SELECT 1" as SQL<Int>)) == 1 }
        await db.close(grace: .zero)
    }

    @Test("an address that never answers ends with the connect timeout") func silent() async throws {
        // Listens, and never accepts.
        let fd = try Acceptor.bind(try SocketAddress(parsing: "127.0.0.1:0"), reusePort: false, backlog: 16)
        let address = try #require(SocketAddress.local(of: fd))
        var configuration = DatabaseConfiguration(url: "postgres://postgres@\(address)/postgres?sslmode=disable")
        configuration.connectTimeout = .milliseconds(200)
        let db = Database(configuration, loops: TestLoops.group)
        db.start()
        await #expect(throws: DatabaseError.unavailable(reason: "connecting took too long", outcomeUnknown: false)) {
            try await db.one("SELECT 1" as SQL<Int>)
        }
        await db.close(grace: .zero)
    }

    @Test("a malformed URL and an unknown host are errors, not crashes", arguments: ["postgres://[", "nonsense", "postgres://u:p%zz@h/d", "postgres://postgres@no-such-host.invalid/x"])
    func malformed(url: String) async throws {
        let db = Database(DatabaseConfiguration(url: url), loops: TestLoops.group)
        db.start()
        let error = await #expect(throws: DatabaseError.self) { try await db.one("SELECT 1" as SQL<Int>) }
        guard case .unavailable(let reason, outcomeUnknown: false)? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(!reason.contains("zz"))
        await db.close(grace: .zero)
    }

    @Test("LISTEN goes on after the server was restarted") func listening() async throws {
        try await withServer { server, db async throws in
            var events = db.listen("jobs", pollEvery: .seconds(3600)).makeAsyncIterator()
            #expect(await events.next() == .poll)
            try await db.execute("SELECT pg_notify('jobs', 'one')")
            try await next(.notified(payload: "one"), &events)
            server.kill()
            try await server.start()
            // Told to look, since notifications may have been missed.
            #expect(await events.next() == .poll)
            // A connection that was made too early may be lost again, and a notification with it.
            let notifying = Task {
                while !Task.isCancelled {
                    _ = try? await db.execute("SELECT pg_notify('jobs', 'two')")
                    try? await Task.sleep(for: .milliseconds(20))
                }
            }
            try await next(.notified(payload: "two"), &events)
            notifying.cancel()
        }
    }

    private func next(_ wanted: ListenEvent, _ events: inout ListenEvents.Iterator) async throws {
        while let event = await events.next() {
            if event == wanted { return }
            #expect(event == .poll)
        }
        Issue.record("the events ended")
    }
}
