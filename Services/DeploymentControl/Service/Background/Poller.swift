import DeploymentControlDomain
import Encoding
import EventLoop
import Locking
import Postgres
import ServiceKit

/// Looks after everything in flight without anyone asking: running deployments are followed to their end, so that the lock is
/// freed with nobody watching; undecided starts are reconciled.
///
/// Any number of instances run it: a row that is due is leased by moving its next poll on, and rows that another one is about to
/// lease are skipped. What an instance that dies had leased is due again when the lease is over.
struct Poller: Sendable {
    let database: Database
    let engine: any Engine
    let follower: ExecutionFollower
    let reconciler: Reconciler
    let timings: Timings
    let logger: Logger
    let metrics: DeploymentMetrics
    private let warned = Locked<Set<String>>([])

    init(
        database: Database, engine: any Engine, follower: ExecutionFollower, reconciler: Reconciler, timings: Timings,
        logger: Logger, metrics: DeploymentMetrics
    ) {
        self.database = database
        self.engine = engine
        self.follower = follower
        self.reconciler = reconciler
        self.timings = timings
        self.logger = logger
        self.metrics = metrics
    }

    /// Between two looks at the table; a look is one statement over an index of one row.
    private var tick: Duration { min(timings.pollInterval, timings.reconcilePause, .seconds(1)) }
    /// How long a leased row is left alone.
    private var leaseTime: Duration { timings.readTimeout + .seconds(5) }
    private static let rowsMax = 16

    /// Until it is cancelled.
    func run() async throws {
        guard let loop = Loop.current else { return }
        var isFailing = false
        while !Task.isCancelled {
            do {
                try await cycle()
                isFailing = false
            } catch {
                if !isFailing, !Task.isCancelled { logger.warn("polling failed, it goes on", .error(error)) }
                isFailing = true
            }
            try await loop.sleep(for: tick)
        }
    }

    /// Follows what is due.
    func cycle() async throws {
        for row in try await lease() {
            let call = EngineCall(requestID: UUID.random().description, traceparent: nil, user: row.client)
            switch row.state {
            case .pending: try await reconciler(row, call)
            case .active:
                guard let execution = row.execution else { continue }
                try await follower.apply(await engine.look(at: execution.id, call), to: row, isPoll: true)
                warnIfOverdue(row)
            case .succeeded, .failed, .rolledBack: continue
            }
        }
        try await measure()
    }

    private func lease() async throws(DatabaseError) -> [StoredDeployment] {
        try await database.query(
            """
            UPDATE deployment SET last_look_at = now(),
                next_poll_at = now() + \(leaseTime.inMicroseconds) * interval '1 microsecond'
            WHERE id IN (SELECT id FROM deployment WHERE state IN ('PENDING', 'ACTIVE') AND next_poll_at <= now()
                         ORDER BY seq LIMIT \(Self.rowsMax) FOR UPDATE SKIP LOCKED)
                AND state IN ('PENDING', 'ACTIVE')
            RETURNING \(raw: StoredDeployment.columns)
            """ as SQL<StoredDeployment>, lane: .write)
    }

    private func measure() async throws {
        let held = try await database.first(
            """
            SELECT (extract(epoch FROM now() - created_at) * 1000)::bigint FROM deployment
            WHERE state IN ('PENDING', 'ACTIVE') ORDER BY seq LIMIT 1
            """ as SQL<Int64>)
        metrics.lockHeld(milliseconds: held)
    }

    /// Never released by itself: the engine may still be changing the target.
    private func warnIfOverdue(_ row: StoredDeployment) {
        if let answered = row.lastAnswerAt, row.readAt - answered > timings.noContactWarning, isFirst("contact \(row.id)") {
            logger.error("no answer about a running deployment for long", .text("deployment", row.id.description))
        }
        if let accepted = row.acceptedAt, row.readAt - accepted > timings.longRunWarning, isFirst("long \(row.id)") {
            logger.warn("a deployment runs for long", .text("deployment", row.id.description))
        }
    }

    private func isFirst(_ warning: String) -> Bool {
        warned.withLock { warned in
            if warned.count > 1000 { warned.removeAll() }
            return warned.insert(warning).inserted
        }
    }
}
