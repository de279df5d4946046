import EventLoop
import Synchronization
import TestSupport
import Testing

/// One group for the whole suite: threads are cheap, but ending them is a test of its own.
let testLoops: LoopGroup = {
    let group = LoopGroup(count: 2, name: "test")
    group.start()
    return group
}()

/// Runs a test body on a loop.
func onLoop<T: Sendable>(_ index: Int = 0, _ body: @escaping @Sendable () async throws -> T) async throws -> T {
    try await testLoops.loops[index].run(body)
}

private enum Ambient { @TaskLocal static var value = 0 }

@Suite struct LoopTests {
    @Test("a task stays on its loop across suspensions, child tasks, groups and async let")
    func staysOnLoop() async throws {
        let loop = testLoops.loops[1]
        let stayed = try await onLoop(1) {
            var all = loop.isCurrent
            await Task.yield()
            all = all && loop.isCurrent
            try await loop.sleep(for: .milliseconds(1))
            all = all && loop.isCurrent
            async let child = loop.isCurrent
            all = await child && all
            let inGroup = await withTaskGroup(of: Bool.self) { group in
                for _ in 0..<10 {
                    group.addTask {
                        await Task.yield()
                        return loop.isCurrent
                    }
                }
                return await group.reduce(true) { $0 && $1 }
            }
            try await Task.sleep(for: .milliseconds(1))
            return all && inGroup && loop.isCurrent
        }
        #expect(stayed)
    }

    @Test("a continuation resumed by another thread returns to the loop")
    func returnsAfterForeignResume() async throws {
        let pool = BlockingPool(threads: 1)
        let loop = testLoops.loops[0]
        let back = try await onLoop { () -> (Bool, Bool) in
            let elsewhere = try await pool.run { Loop.current == nil }
            return (elsewhere, loop.isCurrent)
        }
        #expect(back.0 && back.1)
    }

    @Test("task-locals reach spawned children")
    func taskLocals() async throws {
        let seen = try await onLoop {
            await Ambient.$value.withValue(7) {
                async let child = Ambient.value
                return await child
            }
        }
        #expect(seen == 7)
    }

    @Test("timers fire in the order of their deadlines, and a cancelled one does not fire")
    func timerOrder() async throws {
        let loop = testLoops.loops[0]
        let order = try await onLoop {
            let log = Log()
            loop.schedule(after: .milliseconds(6)) { log.add(3) }
            loop.schedule(after: .milliseconds(2)) { log.add(1) }
            loop.schedule(after: .milliseconds(4)) { log.add(2) }
            let cancelled = loop.schedule(after: .milliseconds(3)) { log.add(99) }
            loop.cancel(cancelled)
            try await loop.sleep(for: .milliseconds(12))
            return log.values
        }
        #expect(order == [1, 2, 3])
    }

    @Test("thousands of cancelled timers leave the live ones in order", arguments: [1, 2, 3] as [UInt64])
    func manyTimers(seed: UInt64) async throws {
        let loop = testLoops.loops[0]
        let fired = try await onLoop {
            var random = SeededRandom(seed)
            let log = Log()
            var doomed: [TimerID] = []
            for _ in 0..<5000 {
                doomed.append(loop.schedule(after: .milliseconds(Int.random(in: 1...50, using: &random))) { log.add(-1) })
            }
            for value in 1...20 { loop.schedule(after: .milliseconds(value)) { log.add(value) } }
            for id in doomed { loop.cancel(id) }
            try await loop.sleep(for: .milliseconds(25))
            return log.values
        }
        #expect(fired == Array(1...20), "seed \(seed)")
    }

    @Test("cancelling a sleeping task wakes it with CancellationError")
    func sleepCancels() async throws {
        let loop = testLoops.loops[0]
        let task = Task {
            try await loop.run { try await loop.sleep(for: .seconds(3600)) }
        }
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
    }

    @Test("a sleep in a task that is already cancelled returns at once")
    func cancelledSleep() async throws {
        let loop = testLoops.loops[0]
        let threw = try await onLoop {
            await withTaskGroup(of: Bool.self) { group in
                group.cancelAll()
                group.addTask {
                    do {
                        try await loop.sleep(for: .seconds(3600))
                        return false
                    } catch {
                        return error is CancellationError
                    }
                }
                return await group.next() ?? false
            }
        }
        #expect(threw)
    }

    @Test("a timeout cancels the work and says so; quick work is returned")
    func timeouts() async throws {
        let loop = testLoops.loops[0]
        try await onLoop {
            let quick = try await withTimeout(.seconds(3600)) { 42 }
            #expect(quick == 42)
            await #expect(throws: TimeoutError.self) {
                try await withTimeout(.milliseconds(5)) { try await loop.sleep(for: .seconds(3600)) }
            }
        }
    }

    @Test("work handed in from many threads all runs, on the loop")
    func executeFromThreads() async throws {
        let loop = testLoops.loops[1]
        let count = Counter()
        let wrong = Counter()
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<8 {
                group.addTask {
                    for _ in 0..<2000 {
                        loop.execute {
                            if !loop.isCurrent { wrong.add() }
                            count.add()
                        }
                    }
                }
            }
        }
        // Closures run in order, so this one is the last.
        try await loop.run {}
        await withCheckedContinuation { continuation in loop.execute { continuation.resume() } }
        #expect(count.value == 16000)
        #expect(wrong.value == 0)
    }

    @Test("work left for the end of a tick is done once, in order, before the loop sleeps")
    func endOfTick() async throws {
        let order = try await onLoop {
            let log = Log()
            Loop.current?.atEndOfTick { log.add(1) }
            Loop.current?.atEndOfTick {
                log.add(2)
                Loop.current?.atEndOfTick { log.add(3) }
            }
            // No timer and no descriptor wakes the loop: only the work itself can resume this task.
            await withUnsafeContinuation { continuation in
                Loop.current?.atEndOfTick {
                    Loop.current?.atEndOfTick { continuation.resume() }
                }
            }
            return log.values
        }
        #expect(order == [1, 2, 3])
    }

    @Test("a group's threads end, and what was ready has run")
    func shutdown() async throws {
        let group = LoopGroup(count: 3, name: "short")
        group.start()
        let ran = Counter()
        let tasks = group.loops.map { loop in loop.spawn { ran.add() } }
        for task in tasks { await task.value }
        await Task { group.shutdown() }.value
        #expect(ran.value == 3)
    }
}

/// A list filled on one loop.
final class Log: @unchecked Sendable {
    // @unchecked: each test touches its log on one loop only.
    private(set) var values: [Int] = []
    func add(_ value: Int) { values.append(value) }
}

/// A number that several threads raise.
final class Counter: Sendable {
    private let count = Atomic<Int>(0)
    var value: Int { count.load(ordering: .sequentiallyConsistent) }
    func add() { count.add(1, ordering: .sequentiallyConsistent) }
}
