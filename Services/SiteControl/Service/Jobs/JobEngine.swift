package import EventLoop
import Encoding
import Locking
package import Postgres
package import ServiceKit

/// Runs jobs in this process: so many at once, each under a lease, until it is told to stop.
package final class JobEngine: Sendable {
    private let database: Database
    private let loops: LoopGroup
    private let slots: Int
    private let timings: JobTimings
    private let logger: Logger
    private let metrics: JobMetrics
    private let signals: JobSignals
    private let leases: LeaseKeeper
    private let claim: Claim
    private let runner: AttemptRunner
    private let mayClaim: @Sendable () async -> Bool
    /// Rung when there may be something to claim, or a slot to claim for.
    private let bell = Doorbell()
    private let running = Locked(0)
    /// Rung when a run has ended.
    private let ended = Doorbell()

    /// With so many jobs running a look at the queue is not worth its price for each of them: jobs are gathered for a moment.
    private static let gatherFrom = 8
    private static let gatherPause: Duration = .milliseconds(8)
    /// Pause after a claim that lost a race.
    private static let conflictPause: Duration = .milliseconds(2)
    /// Pauses after looks at the queue that failed.
    private static let failurePauses: [Duration] = [.milliseconds(100), .milliseconds(500), .seconds(2)]

    /// - Parameters:
    ///   - slots: jobs that are run at once, at least 1.
    ///   - mayClaim: waited for before the first claim; false: this process runs no jobs.
    package init(
        database: Database, loops: LoopGroup, executor: any JobExecutor, slots: Int, timings: JobTimings, logger: Logger,
        metrics: JobMetrics, signals: JobSignals, mayClaim: @escaping @Sendable () async -> Bool = { true }
    ) {
        self.database = database
        self.loops = loops
        self.slots = slots
        self.timings = timings
        self.logger = logger
        self.metrics = metrics
        self.signals = signals
        self.mayClaim = mayClaim
        leases = LeaseKeeper(database: database, timings: timings, logger: logger, metrics: metrics)
        claim = Claim(database: database, worker: .make(), timings: timings)
        runner = AttemptRunner(
            database: database, executor: executor, leases: leases, signals: signals,
            outcomes: JobOutcomes(database: database, timings: timings, logger: logger, signals: signals), timings: timings,
            logger: logger, metrics: metrics)
        metrics.configure(slots: slots)
    }

    /// Until it is cancelled; then takes nothing more, gives what runs its time, hands the rest back and returns.
    package func run() async {
        guard let loop = Loop.current else { return }
        guard await mayClaim(), !Task.isCancelled else { return }
        logger.info("running jobs", .number("slots", slots), .text("worker", claim.worker.description))
        // Leases are kept on another loop than the jobs run on, where there is one.
        let other = loops.loops.first { $0 !== loop } ?? loop
        let helpers = [
            other.spawn { [leases] in try? await leases.renew() },
            other.spawn { [leases] in try? await leases.guardLeases() },
            loop.spawn { await self.listenForWork() },
            loop.spawn { await self.listenForCancels() },
        ]
        await withTaskCancellationHandler {
            await claimAll(on: loop)
        } onCancel: {
            bell.ring()
        }
        // The task is cancelled: what follows must not be.
        await loop.spawn { await self.windDown(on: loop) }.value
        for helper in helpers { helper.cancel() }
        for helper in helpers { await helper.value }
    }

    // MARK: Claiming

    private func claimAll(on loop: Loop) async {
        var failures = 0
        while !Task.isCancelled {
            let free = slots - running.withLock { $0 }
            if free <= 0 {
                await bell.wait()
                continue
            }
            do {
                let taken = try await claim(limit: free)
                failures = 0
                metrics.claimed(taken.count)
                for job in taken.refused { metrics.ended(job.job.type, "failed") }
                for job in taken.jobs { start(job, taken.leaseEnds, on: loop) }
                signals.send((taken.jobs.map(\.ticket.id) + taken.refused.map(\.job.id)).map { .event($0) })
                if taken.count == 0 {
                    await bell.wait()
                } else if running.withLock({ $0 }) >= Self.gatherFrom {
                    try? await loop.sleep(for: Self.gatherPause)
                }
            } catch let error as DatabaseError where error.uniqueViolation != nil {
                // Another worker was faster at this site or node: there may be others.
                metrics.conflicted()
                try? await loop.sleep(for: Self.conflictPause)
            } catch {
                if Task.isCancelled { return }
                if failures == 0 { logger.warn("no job can be claimed", .error(error)) }
                let pause = Self.failurePauses[min(failures, Self.failurePauses.count - 1)]
                failures += 1
                try? await loop.sleep(for: pause)
            }
        }
    }

    private func start(_ job: ClaimedJob, _ leaseEnds: MonotonicTime, on loop: Loop) {
        running.withLock { $0 += 1 }
        let attempt = RunningAttempt(job: job.ticket, leaseEnds: leaseEnds)
        leases.add(attempt)
        loop.spawn { [runner, running, bell, ended] in
            await runner(attempt, waited: job.waited, on: loop)
            running.withLock { $0 -= 1 }
            bell.ring()
            ended.ring()
        }
    }

    private func listenForWork() async {
        for await _ in database.listen(JobEventSQL.queuedChannel, pollEvery: timings.pollInterval) { bell.ring() }
    }

    /// A notification that is lost is made up for at the next renewal.
    private func listenForCancels() async {
        for await event in database.listen(JobEventSQL.cancelChannel, pollEvery: timings.renewInterval) {
            if case .notified(let payload) = event, let job = UUID(payload) { leases.cancel(job) }
        }
    }

    // MARK: Stopping

    private func windDown(on loop: Loop) async {
        let left = running.withLock { $0 }
        if left > 0 { logger.info("waiting for running jobs", .number("jobs", left)) }
        let stop = loop.schedule(after: timings.shutdownGrace) { [leases] in
            for attempt in leases.attempts { attempt.stop(.shutdown) }
        }
        while running.withLock({ $0 }) > 0 { await ended.wait() }
        loop.cancel(stop)
    }
}
