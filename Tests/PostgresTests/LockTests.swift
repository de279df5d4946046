import EventLoop
import Locking
import Postgres
import TestSupport
import Testing

@Suite struct LockTests {
    @Test("one session has a named lock at a time") func session() async throws {
        try await withTestDatabase { db async throws in
            let lock = AdvisoryLock("site-17")
            try await db.withLock(lock) { session in
                let other = try await db.withLockIfFree(lock) { _ in true }
                #expect(other == nil)
                let different = try await db.withLockIfFree(AdvisoryLock("site-18")) { _ in true }
                #expect(different == true)
                let unlocked = try await session.unlock(lock)
                #expect(unlocked)
                let again = try await session.unlock(lock)
                #expect(!again)
            }
            let free = try await db.withLockIfFree(lock) { _ in true }
            #expect(free == true)
        }
    }

    @Test("a transaction's lock ends with it") func transaction() async throws {
        try await withTestDatabase { db async throws in
            let lock = AdvisoryLock("x")
            try await db.transaction { transaction in
                try await transaction.lock(lock)
                let other = try await db.transaction { try await $0.tryLock(lock) }
                #expect(!other)
            }
            let free = try await db.transaction { try await $0.tryLock(lock) }
            #expect(free)
        }
    }

    @Test("the lock keeps sections apart on two loops") func exclusion() async throws {
        try await withTestDatabase { db async throws in
            let inside = Locked((now: 0, most: 0))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for index in 0..<16 {
                    group.addTask {
                        try await TestLoops.group.loops[index % 2].run {
                            try await db.withLock(AdvisoryLock("shared")) { session in
                                inside.withLock { $0 = ($0.now + 1, max($0.most, $0.now + 1)) }
                                try await session.execute("SELECT 1")
                                inside.withLock { $0.now -= 1 }
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(inside.withLock { $0.most } == 1)
        }
    }

    @Test("keys are stable") func keys() {
        #expect(AdvisoryLock("").key == Int64(bitPattern: 0xe3b0_c442_98fc_1c14))
        #expect(AdvisoryLock("a") != AdvisoryLock("b"))
    }
}
