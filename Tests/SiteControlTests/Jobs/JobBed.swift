import Encoding
import EventLoop
import Postgres
import ServiceKit
import SiteControlDomain
import TestSupport
import Testing

@testable import SiteControl

/// A database with this service's schema, things in it for jobs to work on, and engines that run them.
struct JobBed: Sendable {
    let database: Database
    let user = UUID.random()

    /// Numbers for tests: nothing is waited for that need not be.
    static var timings: JobTimings {
        var timings = JobTimings()
        timings.pollInterval = .milliseconds(100)
        timings.reaperInterval = .milliseconds(100)
        timings.progressInterval = .milliseconds(20)
        timings.shutdownGrace = .milliseconds(50)
        timings.backoff = [.zero]
        return timings
    }

    static func run(_ body: (JobBed) async throws -> Void) async throws {
        await turnstile.enter()
        defer { turnstile.leave() }
        try await withTestDatabase { database in try await body(try await JobBed(database)) }
    }

    /// Each has some twenty connections to a cluster that takes two hundred.
    private static let turnstile = Turnstile(6)

    init(_ database: Database) async throws {
        self.database = database
        _ = try await Migrator(database, migrations: SiteControlService.definition.migrations).migrate()
        try await database.execute(
            """
            INSERT INTO users (id, email, display_name, role, password_hash) VALUES (\(user), 'a@example.com', 'A', 'admin', 'x')
            """)
    }

    // MARK: Things

    /// A site with a production environment that serves a release, and a staging environment made from it, on a node.
    struct Site: Sendable {
        let node: UUID, site: UUID, production: UUID, staging: UUID, release: UUID, stagingRelease: UUID
    }

    func node(_ status: NodeStatus = .active) async throws -> UUID {
        let node = UUID.random()
        try await database.execute(
            """
            INSERT INTO nodes (id, name, hostname, ssh_port, ssh_user, status)
            VALUES (\(node), \(node.description), \(node.description), 22, 'root', \(status))
            """)
        return node
    }

    func site(
        on given: UUID? = nil, site siteStatus: LifecycleStatus = .active, production status: LifecycleStatus = .active
    ) async throws -> Site {
        let node = if let given { given } else { try await node() }
        let things = Site(
            node: node, site: .random(), production: .random(), staging: .random(), release: .random(), stagingRelease: .random())
        _ = try await database.group([
            """
            INSERT INTO sites (id, name, slug, status, primary_environment_id)
            VALUES (\(things.site), 'S', \("s-\(things.site)"), \(siteStatus), \(things.production))
            """,
            environment(things.production, things, .production, status, nil, things.release),
            environment(things.staging, things, .staging, .active, things.production, things.stagingRelease),
            release(things.release, things.production, "r1"), release(things.stagingRelease, things.staging, "r1"),
        ])
        return things
    }

    private func environment(
        _ id: UUID, _ site: Site, _ type: EnvironmentType, _ status: LifecycleStatus, _ source: UUID?, _ release: UUID
    ) -> Command {
        """
        INSERT INTO environments (id, site_id, name, slug, environment_type, status, node_id, source_environment_id,
            promotion_preset, preview_url, current_release_id)
        VALUES (\(id), \(site.site), \(type.rawValue), \(type.rawValue), \(type), \(status), \(site.node), \(source),
            'content-protect', \("http://\(id)"), \(release))
        """
    }

    private func release(_ id: UUID, _ environment: UUID, _ path: String) -> Command {
        """
        INSERT INTO releases (id, environment_id, source_type, source_ref, path, health_status, created_at)
        VALUES (\(id), \(environment), 'git', 'https://example.com/repo.git#main', \(path), 'healthy', now() - interval '1 day')
        """
    }

    func backup(of environment: UUID, _ status: BackupStatus = .pending, expired: Bool = false) async throws -> UUID {
        let backup = UUID.random()
        let isStored = status == .completed || status == .expired
        let checksum = isStored ? "sha256:" + String(repeating: "a", count: 64) : nil
        let size: Int64? = isStored ? 1 : nil
        try await database.execute(
            """
            INSERT INTO backups (id, environment_id, backup_scope, status, storage_path, retention_until, checksum, size_bytes,
                created_at, completed_at)
            VALUES (\(backup), \(environment), 'full', \(status), \("s3://b/\(backup).tar.gz"),
                now() + CASE WHEN \(expired) THEN interval '-1 hour' ELSE interval '30 days' END, \(checksum), \(size),
                now() - interval '2 hours', CASE WHEN \(isStored) THEN now() - interval '1 hour' END)
            """)
        return backup
    }

    func domain(of environment: UUID, _ status: TLSStatus = .pending) async throws -> UUID {
        let domain = UUID.random()
        try await database.execute(
            """
            INSERT INTO domains (id, environment_id, hostname, tls_status)
            VALUES (\(domain), \(environment), \("\(domain).example.com"), \(status))
            """)
        return domain
    }

    // MARK: Jobs

    /// A queued job with its audit row, as an accepted request leaves it.
    @discardableResult
    func enqueue(
        _ type: JobType, _ site: Site, environment: UUID? = nil, payload: JSONValue = [:], maxAttempts: Int = 3
    ) async throws -> UUID {
        let job = UUID.random()
        let isGlobal = type.definition.isGlobal
        let environment = isGlobal ? nil : environment ?? site.production
        let accepted = AcceptedMutation(
            job: job, type: type, site: isGlobal ? nil : site.site, environment: environment, node: site.node, payload: payload,
            maxAttempts: maxAttempts, actor: Actor(Identity(client: "a@example.com", role: "admin", userID: user)), resource: .environment,
            resourceID: environment ?? site.node, guardedBy: "(VALUES (1)) AS one WHERE true")
        #expect(try await accepted.isAccepted(on: database))
        return job
    }

    struct JobState: PostgresRow, Equatable {
        let status: JobStatus, attempts: Int, code: String?, message: String?, tail: String?, audit: String?
        init(_ row: inout RowReader) throws(RowError) {
            status = try row.next()
            attempts = try row.next()
            code = try row.next()
            message = try row.next()
            tail = try row.next()
            audit = try row.next()
        }
    }

    func state(_ job: UUID) async throws -> JobState {
        try await database.one(
            """
            SELECT j.status, j.attempt_count, j.error_code, j.error_message, j.output_tail, a.result
            FROM jobs j LEFT JOIN audit_logs a ON a.job_id = j.id WHERE j.id = \(job)
            """)
    }

    /// The job once `condition` holds; told by its events.
    @discardableResult
    func wait(for job: UUID, until condition: (JobState) -> Bool) async throws -> JobState {
        for await _ in database.listen("job_event", pollEvery: .milliseconds(200)) {
            let state = try await state(job)
            if condition(state) { return state }
        }
        throw CancellationError()
    }

    @discardableResult
    func ending(of job: UUID) async throws -> JobState { try await wait(for: job) { !$0.status.isOpen } }

    func value<Row: PostgresRow>(_ sql: SQL<Row>) async throws -> Row { try await database.one(sql) }

    func status(ofEnvironment id: UUID) async throws -> LifecycleStatus { try await lifecycle("environments", id) }
    func status(ofSite id: UUID) async throws -> LifecycleStatus { try await lifecycle("sites", id) }
    func status(ofNode id: UUID) async throws -> NodeStatus {
        let text = try await database.one("SELECT status FROM nodes WHERE id = \(id)" as SQL<String>)
        return try #require(NodeStatus(rawValue: text))
    }
    func status(ofBackup id: UUID) async throws -> String {
        try await database.one("SELECT status FROM backups WHERE id = \(id)" as SQL<String>)
    }

    private func lifecycle(_ table: String, _ id: UUID) async throws -> LifecycleStatus {
        let text = try await database.one("SELECT status FROM \(identifier: table) WHERE id = \(id)" as SQL<String>)
        return try #require(LifecycleStatus(rawValue: text))
    }

    /// Kinds and states of a job's events, in order.
    func events(_ job: UUID) async throws -> [String] {
        try await database.query(
            "SELECT kind || coalesce(' ' || (data->>'status'), '') FROM job_events WHERE job_id = \(job) ORDER BY seq" as SQL<String>)
    }

    // MARK: Engines

    /// Runs an engine while `body` runs, then stops it in order.
    func withEngine(
        _ executor: any JobExecutor, slots: Int = 4, timings: JobTimings = JobBed.timings, database given: Database? = nil,
        _ body: () async throws -> Void
    ) async throws {
        let engine = RunningEngine(executor, slots: slots, timings: timings, on: given ?? database)
        do {
            try await body()
        } catch {
            await engine.stop()
            throw error
        }
        await engine.stop()
    }

    static let logger = Logger(level: .error, format: .text, sink: LogSink(descriptor: 2), loops: TestLoops.group)
    static func metrics() -> JobMetrics { JobMetrics(Metrics(loops: TestLoops.group)) }

    func reaper(_ timings: JobTimings = JobBed.timings) -> JobReaper {
        JobReaper(database: database, timings: timings, logger: Self.logger, metrics: Self.metrics(), signals: JobSignals(database))
    }

    func scheduler() -> JobScheduler {
        JobScheduler(
            database: database, timings: Self.timings, logger: Self.logger, metrics: Self.metrics(), signals: JobSignals(database))
    }
}

/// An engine under way, with the numbers it counts.
final class RunningEngine: Sendable {
    let metrics = Metrics(loops: TestLoops.group)
    private let task: Task<Void, Never>

    init(_ executor: any JobExecutor, slots: Int = 4, timings: JobTimings = JobBed.timings, on database: Database) {
        let engine = JobEngine(
            database: database, loops: TestLoops.group, executor: executor, slots: slots, timings: timings,
            logger: JobBed.logger, metrics: JobMetrics(metrics), signals: JobSignals(database))
        task = TestLoops.group.nextLoop().spawn { await engine.run() }
    }

    /// Tells it to stop and waits for its end.
    func stop() async {
        task.cancel()
        await task.value
    }

    func metric(_ name: String) -> String? {
        String(decoding: metrics.exposition(), as: UTF8.self).split(separator: "\n").first { $0.hasPrefix(name) }.map(String.init)
    }
}
