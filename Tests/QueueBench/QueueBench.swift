import Crypto
import Encoding
import EventLoop
import Locking
import Postgres
import ServiceKit
import SiteControl

/// Enqueues jobs as an accepted request does and lets an engine of this process run them.
struct QueueBench: Sendable {
    /// One running job per node: so many jobs can be under way at once.
    private static let nodes = 256
    /// One open job per site.
    private static let sites = 8192
    /// Enqueue at the same time, as that many requests would.
    private static let producers = 32

    let database: Database
    let loops: LoopGroup
    let signals: JobSignals

    /// Nodes, and sites with an environment that serves a release, once per database.
    func prepare() async throws {
        _ = try await Migrator(database, migrations: SiteControlService.definition.migrations).migrate()
        guard try await database.one("SELECT count(*) FROM sites" as SQL<Int>) == 0 else { return }
        try await database.transaction { transaction in
            try await transaction.execute(
                """
                INSERT INTO nodes (id, name, hostname, ssh_port, ssh_user, status)
                SELECT gen_random_uuid(), 'bench-' || n, 'bench-' || n, 22, 'root', 'active' FROM generate_series(1, \(Self.nodes)) n
                """)
            try await transaction.execute(
                """
                INSERT INTO sites (id, name, slug, status)
                SELECT gen_random_uuid(), 'bench', 'bench-' || n, 'active' FROM generate_series(1, \(Self.sites)) n
                """)
            try await transaction.execute(
                """
                WITH placed AS (
                    SELECT s.id AS site, gen_random_uuid() AS environment, gen_random_uuid() AS release, n.id AS node
                    FROM (SELECT id, row_number() OVER () AS place FROM sites) s
                    JOIN (SELECT id, row_number() OVER () - 1 AS place FROM nodes) n ON n.place = s.place % \(Self.nodes)),
                environments AS (
                    INSERT INTO environments (id, site_id, name, slug, environment_type, status, node_id, promotion_preset,
                        preview_url, current_release_id)
                    SELECT environment, site, 'p', 'production', 'production', 'active', node, 'content-protect',
                        'http://' || environment, release FROM placed)
                INSERT INTO releases (id, environment_id, source_type, source_ref, path)
                SELECT release, environment, 'git', 'x', 'r' FROM placed
                """)
            try await transaction.execute(
                """
                UPDATE sites SET primary_environment_id = e.id FROM environments e WHERE e.site_id = sites.id
                """)
            try await transaction.execute(
                """
                INSERT INTO users (id, email, display_name, role, password_hash)
                VALUES (gen_random_uuid(), 'bench@example.com', 'bench', 'admin', 'x')
                """)
        }
        // The planner must know what it deals with.
        for table in ["nodes", "sites", "environments", "jobs"] {
            try await database.execute("ANALYZE \(identifier: table)")
        }
    }

    // MARK: Enqueued → running, an idle worker

    func latency(_ jobs: Int) async throws -> String {
        let starts = Locked<[UUID: MonotonicTime]>([:])
        let begun = AsyncStream.makeStream(of: UUID.self)
        let engine = start(slots: 4) { attempt in
            starts.withLock { $0[attempt.jobID] = .now() }
            begun.continuation.yield(attempt.jobID)
        }
        let targets = try await targets()
        var waits: [Duration] = []
        var iterator = begun.stream.makeAsyncIterator()
        guard let loop = Loop.current else { return "" }
        // Until the engine listens.
        try await loop.sleep(for: .milliseconds(500))
        for number in 0..<jobs {
            let asked = MonotonicTime.now()
            let job = try await enqueue(targets[number % targets.count])
            while await iterator.next() != job {}
            if let started = starts.withLock({ $0[job] }) { waits.append(started - asked) }
            // It falls idle again: what is measured is not its next look at the queue.
            try await loop.sleep(for: .milliseconds(5))
        }
        engine.cancel()
        await engine.value
        let sorted = waits.sorted()
        return """
            {"jobs": \(sorted.count), "median_ms": \(Self.milliseconds(sorted, 0.5)), "p99_ms": \(Self.milliseconds(sorted, 0.99)), \
            "max_ms": \(Self.milliseconds(sorted, 1))}
            """
    }

    private static func milliseconds(_ sorted: [Duration], _ part: Double) -> Double {
        guard !sorted.isEmpty else { return 0 }
        return Double(sorted[min(sorted.count - 1, Int(Double(sorted.count) * part))].wholeNanoseconds) / 1_000_000
    }

    // MARK: Enqueued, claimed and finished

    func throughput(_ jobs: Int, slots: Int) async throws -> String {
        let targets = try await targets()
        let engine = start(slots: slots) { _ in }
        let finished = try await database.one("SELECT count(*) FROM jobs WHERE status = 'succeeded'" as SQL<Int>)
        let began = MonotonicTime.now()
        let next = Locked(0)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for producer in 0..<Self.producers {
                let loop = loops.loops[producer % loops.loops.count]
                group.addTask {
                    try await loop.run {
                        while true {
                            let number = next.withLock { next in
                                defer { next += 1 }
                                return next
                            }
                            if number >= jobs { return }
                            // A site whose last job is still open comes again later.
                            _ = try await enqueue(targets[number % targets.count])
                        }
                    }
                }
            }
            try await group.waitForAll()
        }
        let enqueued = MonotonicTime.now() - began
        while try await database.one(
            "SELECT EXISTS (SELECT FROM jobs WHERE status IN ('queued', 'running'))" as SQL<Bool>)
        {
            try await Loop.current?.sleep(for: .milliseconds(25))
        }
        let took = MonotonicTime.now() - began
        engine.cancel()
        await engine.value
        let done = try await database.one("SELECT count(*) FROM jobs WHERE status = 'succeeded'" as SQL<Int>) - finished
        return """
            {"jobs": \(done), "seconds": \(Self.seconds(took)), "jobs_per_second": \(Double(done) / Self.seconds(took)), \
            "enqueue_seconds": \(Self.seconds(enqueued)), "slots": \(slots)}
            """
    }

    private static func seconds(_ duration: Duration) -> Double { Double(duration.wholeNanoseconds) / 1_000_000_000 }

    // MARK: Parts

    private struct Target: Sendable, PostgresRow {
        let site: UUID, environment: UUID, node: UUID, user: UUID
        init(_ row: inout RowReader) throws(RowError) {
            site = try row.next()
            environment = try row.next()
            node = try row.next()
            user = try row.next()
        }
    }

    private func targets() async throws -> [Target] {
        try await database.query(
            """
            SELECT e.site_id, e.id, e.node_id, u.id FROM environments e, users u WHERE NOT EXISTS (
                SELECT FROM jobs j WHERE j.site_id = e.site_id AND j.status IN ('queued', 'running')) ORDER BY e.id
            """)
    }

    /// The statement of an accepted mutation: job, first event, audit row, notifications.
    private func enqueue(_ target: Target) async throws -> UUID {
        let job = Self.id()
        _ = try await database.one(
            """
            WITH job AS (
                INSERT INTO jobs (id, job_type, site_id, environment_id, node_id, payload_json, max_attempts, event_seq)
                SELECT \(job), 'cache_purge', \(target.site), \(target.environment), \(target.node), '{}', 3, 1
                FROM environments WHERE id = \(target.environment) AND status = 'active' RETURNING id),
            noted AS (
                INSERT INTO job_events (job_id, seq, kind, data)
                SELECT id, 1, 'state', '{"status":"queued","attempt":0}' FROM job),
            audited AS (
                INSERT INTO audit_logs (id, user_id, actor, action, resource_type, resource_id, result, job_id)
                SELECT \(Self.id()), \(target.user), 'bench@example.com', 'cache_purge', 'environment',
                    \(target.environment.description), 'accepted', id FROM job)
            SELECT id FROM job
            """ as SQL<UUID>)
        signals.send([.queued])
        return job
    }

    private static func id() -> UUID { UUID.v4(random: (SecureRandom.next64(), SecureRandom.next64())) }

    private func start(slots: Int, _ seen: @escaping @Sendable (Attempt) -> Void) -> Task<Void, Never> {
        let metrics = Metrics(loops: loops)
        let engine = JobEngine(
            database: database, loops: loops, executor: NoopExecutor(seen: seen), slots: slots, timings: JobTimings(),
            logger: Logger(level: .warn, format: .text, sink: .standardError(.text), loops: loops), metrics: JobMetrics(metrics),
            signals: signals)
        return loops.loops[0].spawn { await engine.run() }
    }
}
