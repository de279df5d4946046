import Dispatch
import Encoding
import EventLoop
import Foundation
import Locking
import Postgres
import TestSupport
import Testing

/// site-control as an operator would run it, for tests over HTTP: its executable, a database of its own whose schema belongs
/// to one role and is served by another, an administrator, a token for each role, one active node, and a scripted playbook runner.
///
/// Tests that only look at what is accepted share one without workers (``shared()``); what has to be alone, or has jobs that
/// run, starts its own (``run(_:instances:on:_:)``).
final class Panel: Sendable {
    static let name = "site-control"
    static let email = "operator@example.net"
    static let password = "correct horse battery staple"
    static let nodeAddress = "198.51.100.7"
    static let publicURL = "http://panel.example"

    /// Open to the superuser, so that a test can look at and arrange what the service stores.
    let database: Database
    /// What commands get: with the URL of the schema's owner.
    let environment: [String: String]
    let automation: String
    let reader: String
    let nodeID: String
    let directory: URL
    let playbooks: ScriptedPlaybooks
    private let serving: [String: String]
    private let processes = Locked<[ServiceUnderTest]>([])
    private let sessionToken = Locked("")
    private let fresh: TestDatabase?
    private let roles: [String]

    /// Values that must never be seen outside the secrets directory, by what they are.
    static let canaries = [
        "S3 key": "canary-s3-secret-9f2b41", "DNS token": "canary-dns-token-55c1e7", "password": password,
    ]

    // MARK: Life

    /// The one that tests share: no workers. It ends with the test process.
    static func shared() async throws -> Panel { try await sharedStart.value }

    private static let sharedStart = Task { try await untilTheEnd(["TRIVET_WORKERS": "0"]) }

    /// Starts one that ends with the test process, for several tests of a kind.
    static func untilTheEnd(_ settings: [String: String]) async throws -> Panel {
        let panel = try await Panel(settings, on: nil)
        try await panel.startInstance()
        // The cluster's own handler is registered by now and therefore runs after this one.
        lasting.withLock { panels in
            if panels.isEmpty { atexit { Panel.stopLasting() } }
            panels.append(panel)
        }
        return panel
    }

    private static let lasting = Locked<[Panel]>([])

    private static func stopLasting() {
        let stopped = DispatchSemaphore(value: 0)
        Task {
            for panel in lasting.withLock({ $0 }) { try? await panel.stop() }
            stopped.signal()
        }
        _ = stopped.wait(timeout: .now() + 10)
    }

    /// Starts one with a fresh database and runs `body`; everything ends with it.
    static func run(
        _ settings: [String: String] = [:], instances: Int = 1, on server: PostgresServer? = nil,
        _ body: (Panel) async throws -> Void
    ) async throws {
        await places.enter()
        defer { places.leave() }
        let panel = try await Panel(settings, on: server)
        do {
            for _ in 0..<instances { try await panel.startInstance() }
            try await body(panel)
        } catch {
            for process in panel.instances { print(process.log.suffix(4000)) }
            try? await panel.stop()
            throw error
        }
        try await panel.stop()
    }

    /// Each has some twenty connections to a cluster that takes a hundred.
    private static let places = PanelPlaces(2)

    /// Jobs at the pace of a test.
    static let fastJobs = [
        "TRIVET_WORKERS": "4", "TRIVET_JOB_POLL_INTERVAL_MS": "100", "TRIVET_JOB_BACKOFF_SECONDS": "1,1,1",
        "TRIVET_JOB_LEASE_SECONDS": "5", "TRIVET_JOB_REAPER_SECONDS": "1", "TRIVET_JOB_TIMEOUT_SECONDS": "60",
    ]

    private init(_ settings: [String: String], on server: PostgresServer?) async throws {
        let fresh = server == nil ? try await TestCluster.createDatabase() : nil
        let url = fresh?.url ?? server?.tcpURL ?? ""
        let roles = fresh.map { ["\($0.name)_owner", "\($0.name)_server"] } ?? []
        if let fresh {
            let administrator = try await TestCluster.administrator()
            for role in roles {
                try await administrator.execute(Command(text: "CREATE ROLE \(role) LOGIN PASSWORD '\(Panel.rolePassword)'"))
            }
            try await administrator.execute(Command(text: "ALTER DATABASE \(fresh.name) OWNER TO \(roles[0])"))
        }
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("panel-\(Foundation.UUID().uuidString)")
        let secrets = directory.appendingPathComponent("secrets")
        try FileManager.default.createDirectory(
            at: secrets, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let playbooks = try ScriptedPlaybooks(directory: directory.appendingPathComponent("playbooks"))
        var serving = [
            "TRIVET_DATABASE_URL": roles.last.map { TestCluster.url(url, as: $0, password: Panel.rolePassword) } ?? url,
            "TRIVET_EVENT_LOOPS": "2", "TRIVET_LOG_FORMAT": "json", "TRIVET_LOG_LEVEL": "debug",
            "TRIVET_SECRETS_DIRECTORY": secrets.path,
            "TRIVET_SCRATCH_DIRECTORY": directory.appendingPathComponent("scratch").path,
            "TRIVET_PUBLIC_URL": Panel.publicURL, "TRIVET_BACKUP_BUCKET": "backups", "TRIVET_S3_BUCKETS": "backups",
            "TRIVET_S3_ENDPOINT": "http://127.0.0.1:9", "TRIVET_S3_REGION": "us-east-1",
            "TRIVET_S3_ACCESS_KEY_ID": "TESTACCESSKEY", "TRIVET_S3_SECRET_ACCESS_KEY": Panel.canaries["S3 key"] ?? "",
        ]
        serving.merge(playbooks.environment) { $1 }
        serving.merge(settings) { $1 }
        serving = serving.filter { !$0.value.isEmpty }
        var owning = serving
        if let owner = roles.first { owning["TRIVET_DATABASE_OWNER_URL"] = TestCluster.url(url, as: owner, password: Panel.rolePassword) }
        environment = owning
        self.serving = serving
        self.fresh = fresh
        self.roles = roles
        self.directory = directory
        self.playbooks = playbooks
        database = fresh?.open() ?? Panel.open(url)

        try Data(Panel.password.utf8).write(to: directory.appendingPathComponent("password"))
        try await Panel.makeKey(directory.appendingPathComponent("node_key").path)
        _ = try await Panel.output(of: ["migrate"], owning)
        _ = try await Panel.output(
            of: ["admin", "create", "--email", Panel.email, "--password-file", directory.path + "/password"], owning)
        automation = try await Panel.output(of: ["token", "create", "--client", "robot", "--role", "automation"], owning)
        reader = try await Panel.output(of: ["token", "create", "--client", "auditor", "--role", "reader"], owning)
        nodeID = try await Panel.output(
            of: [
                "node", "add", "--name", "local", "--host", "127.0.0.1", "--ssh-user", "trivet", "--ssh-port", "22",
                "--ssh-key-file", directory.path + "/node_key", "--public-ip", Panel.nodeAddress, "--local",
            ], owning)
        try await database.execute(Command(text: "UPDATE nodes SET status = 'active' WHERE id = '\(nodeID)'"))
    }

    private static func open(_ url: String) -> Database {
        var configuration = DatabaseConfiguration(url: url)
        configuration.applicationName = "trivet-test"
        configuration.connectTimeout = .seconds(60)
        configuration.acquireTimeout = .seconds(60)
        configuration.statementTimeout = .seconds(60)
        let database = Database(configuration, loops: TestLoops.group)
        database.start()
        return database
    }

    /// One more instance on the same database.
    @discardableResult
    func startInstance(_ settings: [String: String] = [:], awaitReady: Bool = true) async throws -> ServiceUnderTest {
        let process = try await ServiceUnderTest.start(
            Panel.name, environment: serving.merging(settings) { $1 }, awaitReady: awaitReady)
        processes.withLock { $0.append(process) }
        if awaitReady, session.isEmpty {
            let token = try await logIn()
            sessionToken.withLock { $0 = token }
        }
        return process
    }

    /// Of the administrator; opened with the first instance.
    var session: String { sessionToken.withLock { $0 } }

    var instances: [ServiceUnderTest] { processes.withLock { $0 } }
    /// The first instance that runs.
    var process: ServiceUnderTest { processes.withLock { all in all.first { $0.exit == nil } ?? all[0] } }

    func stop() async throws {
        for process in instances where process.exit == nil { await process.end() }
        await database.close(grace: .seconds(1))
        try? FileManager.default.removeItem(at: directory)
        try await fresh?.drop()
        for role in roles {
            try await TestCluster.administrator().execute("DROP ROLE IF EXISTS \(identifier: role)")
        }
    }

    private static let rolePassword = "of-a-test"

    private static func makeKey(_ path: String) async throws {
        let command = ChildCommand(
            "/usr/bin/ssh-keygen", ["-q", "-t", "ed25519", "-N", "", "-C", "test", "-f", path],
            environment: ["PATH": "/usr/bin:/bin"])
        let result = try await TestLoops.run { try await ChildProcess.run(command, outputBytesMax: 1 << 16) { _, _ in } }
        try #require(result.exit.isSuccess)
    }

    static func output(of arguments: [String], _ environment: [String: String]) async throws -> String {
        let (exit, output, error) = try await ServiceUnderTest.run(name, arguments, environment: environment)
        try #require(exit.isSuccess, "\(arguments): \(exit)\n\(output)\n\(error)")
        return output.trimmingCharacters(in: .whitespacesAndNewlines)
    }
}

/// Lets so many in at a time, in the order in which they came.
final class PanelPlaces: Sendable {
    private struct State {
        var free: Int
        var waiting: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Locked<State>

    init(_ places: Int) { state = Locked(State(free: places)) }

    func enter() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                guard state.free == 0 else {
                    state.free -= 1
                    return true
                }
                state.waiting.append(continuation)
                return false
            }
            if isFree { continuation.resume() }
        }
    }

    func leave() {
        let next = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
            state.free += 1
            return nil
        }
        next?.resume()
    }
}
