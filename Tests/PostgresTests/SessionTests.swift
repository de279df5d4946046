import EventLoop
import Locking
import Postgres
import TestSupport
import Testing

@Suite struct SessionTests {
    @Test("callers beyond the limit wait in order, or are refused") func limits() async throws {
        try await withTestDatabase({
            $0.sessions = 1
            $0.sessionQueueLimit = 3
        }) { db async throws in
            let loop = TestLoops.group.loops[0]
            try await loop.run { () async throws in
                let order = Locked([Int]())
                try await withThrowingTaskGroup(of: DatabaseError?.self) { group in
                    try await db.withSession { (_) async throws in
                        for index in 0..<4 {
                            group.addTask {
                                do {
                                    try await db.withSession { _ in order.withLock { $0.append(index) } }
                                    return nil
                                } catch let error as DatabaseError {
                                    return error
                                }
                            }
                        }
                        // The fourth finds the queue full.
                        #expect(try await group.next() == .some(.queueFull))
                        #expect(db.status.sessionsAwaited == 3)
                        #expect(db.status.sessionsInUse == 1)
                    }
                    #expect(try await group.next() == .some(nil))
                    #expect(try await group.next() == .some(nil))
                    #expect(try await group.next() == .some(nil))
                }
                #expect(order.withLock { $0 } == [0, 1, 2])
                #expect(db.status.sessionsInUse == 0)
                #expect(db.status.sessionsIdle == 1)
            }
        }
    }

    @Test("who waits too long for a session is told") func acquireTimeout() async throws {
        try await withTestDatabase({
            $0.sessions = 1
            $0.acquireTimeout = .milliseconds(300)
        }) { db async throws in
            try await TestLoops.group.loops[0].run { () async throws in
                try await eventually("a session is open") { (try? await db.withSession { _ in true }) ?? false }
                try await db.withSession { _ in
                    await #expect(throws: DatabaseError.acquireTimedOut) { try await db.withSession { _ in } }
                }
                try await db.withSession { _ in }
                #expect(db.status.sessionsAwaited == 0)
            }
        }
    }

    @Test("a caller who is cancelled leaves the queue") func cancelledWaiter() async throws {
        try await withTestDatabase({ $0.sessions = 1 }) { db async throws in
            let loop = TestLoops.group.loops[0]
            try await loop.run { () async throws in
                try await db.withSession { _ in
                    let waiting = Task(executorPreference: loop) { try await db.withSession { _ in } }
                    try await eventually("it waits") { db.status.sessionsAwaited == 1 }
                    waiting.cancel()
                    let result = await waiting.result
                    #expect(throws: DatabaseError.cancelled) { try result.get() }
                    #expect(db.status.sessionsAwaited == 0)
                }
                try await db.withSession { _ in }
            }
        }
    }

    @Test("settings, roles, locks and open transactions do not reach the next caller") func cleaning() async throws {
        try await withTestDatabase({ $0.sessions = 1 }) { db async throws in
            try await db.execute("CREATE TABLE t (n int8)")
            let role = try await db.one("SELECT current_database()" as SQL<String>) + "_role"
            try await db.execute("CREATE ROLE \(identifier: role)")
            try await TestLoops.group.loops[0].run { () async throws in
                let pid = try await db.withSession(statementTimeout: .seconds(77)) { session in
                    try await session.lock(AdvisoryLock("left"))
                    try await session.execute("SET work_mem = '77MB'")
                    try await session.execute("BEGIN")
                    try await session.execute("INSERT INTO t VALUES (1)")
                    try await session.execute("SET ROLE \(identifier: role)")
                    let timeout = try await session.one("SHOW statement_timeout" as SQL<String>)
                    #expect(timeout == "77s")
                    return try await session.backendPID
                }
                try await db.withSession { session in
                    let settings = try await session.one(
                        """
                        SELECT current_setting('work_mem'), current_setting('statement_timeout'), current_user::text,
                               (SELECT count(*) FROM t), (SELECT count(*) FROM pg_locks WHERE locktype = 'advisory' AND pid = pg_backend_pid())
                        """ as SQL<Columns<String, String, String, Int, Int>>)
                    #expect(settings.values.0 == "4MB")
                    #expect(settings.values.1 == "1min")
                    #expect(settings.values.2 == "postgres")
                    #expect(settings.values.3 == 0)
                    #expect(settings.values.4 == 0)
                    let same = try await session.backendPID
                    #expect(same == pid)
                }
            }
            try await db.execute("DROP ROLE \(identifier: role)")
        }
    }

    @Test("a long read is cancelled on the server when its task is") func cancellation() async throws {
        try await withTestDatabase { db async throws in
            for onLoop in [true, false] {
                let task = Task(executorPreference: onLoop ? TestLoops.group.loops[0] : nil) {
                    try await db.withSession(statementTimeout: .zero) { session in
                        // Compiling the plan could not be interrupted.
                        try await session.execute("SET jit = off")
                        try await session.execute("SELECT sum(x) FROM (SELECT generate_series(1, 1000000000000) AS x) AS endless")
                    }
                }
                let running = "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%endless' AND pid <> pg_backend_pid() AND datname = current_database()"
                try await eventually("it runs") { try await db.one(SQL<Int>(text: running)) == 1 }
                task.cancel()
                let result = await task.result
                #expect(throws: DatabaseError.cancelled) { try result.get() }
                #expect(try await db.one(SQL<Int>(text: running)) == 0)
                #expect(db.status.connectionsLost == 0)
            }
        }
    }

    @Test("a task cancelled beforehand sends nothing") func cancelledBefore() async throws {
        try await withTestDatabase { db async throws in
            try await db.execute("CREATE TABLE t (n int8)")
            let task = Task {
                while !Task.isCancelled { await Task.yield() }
                await #expect(throws: DatabaseError.cancelled) { try await db.execute("INSERT INTO t VALUES (1)") }
                await #expect(throws: DatabaseError.cancelled) {
                    try await db.transaction { try await $0.execute("INSERT INTO t VALUES (1)") }
                }
            }
            task.cancel()
            await task.value
            #expect(try await db.one("SELECT count(*) FROM t" as SQL<Int>) == 0)
        }
    }

    @Test("a statement that takes too long is stopped by the server") func statementTimeout() async throws {
        try await withTestDatabase({
            $0.statementTimeout = .milliseconds(200)
            $0.answerGrace = .seconds(60)
        }) { db async throws in
            let error = await #expect(throws: DatabaseError.self) { try await db.execute("SELECT pg_sleep(60)") }
            #expect(error == .timedOut(outcomeUnknown: false))
            await #expect(throws: DatabaseError.timedOut(outcomeUnknown: false)) {
                try await db.transaction { try await $0.execute("SELECT pg_sleep(60)") }
            }
            #expect(try await db.one("SELECT 1" as SQL<Int>) == 1)
            #expect(db.status.connectionsLost == 0)
        }
    }

    @Test("closing waits for what is under way and refuses the rest") func closing() async throws {
        let fresh = try await TestCluster.createDatabase()
        let db = fresh.open()
        try await db.execute("CREATE TABLE t (n int8)")
        let administrator = try await TestCluster.administrator()
        let outside = fresh.open()
        let lock = AdvisoryLock("gate")
        let (writing, lent, closing) = try await outside.withLock(lock) { _ in
            let writing = Task { try await db.execute("INSERT INTO t SELECT 1 FROM pg_advisory_xact_lock(\(lock.key))") }
            let lent = Task {
                try await db.transaction { transaction in
                    try await transaction.execute("INSERT INTO t VALUES (2)")
                    try await transaction.lock(lock)
                }
            }
            try await eventually("both are under way") {
                try await administrator.one("SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'advisory' AND datname = \(fresh.name)" as SQL<Int>) == 2
            }
            let closing = Task { await db.close() }
            try await eventually("new sessions are refused") {
                do { return try await db.withSession { _ in false } } catch { return true }
            }
            #expect(db.status.sessionsInUse == 1)
            return (writing, lent, closing)
        }
        await closing.value
        _ = try await writing.value
        try await lent.value
        await #expect(throws: DatabaseError.self) { try await db.execute("SELECT 1") }
        await #expect(throws: DatabaseError.self) { try await db.withSession { _ in } }
        #expect(try await outside.one("SELECT count(*) FROM t" as SQL<Int>) == 2)
        await outside.close()
        try await eventually("no connection is left") {
            try await administrator.one("SELECT count(*) FROM pg_stat_activity WHERE datname = \(fresh.name)" as SQL<Int>) == 0
        }
        #expect(db.status.pipelinesUp == 0)
        try await fresh.drop()
    }
}
