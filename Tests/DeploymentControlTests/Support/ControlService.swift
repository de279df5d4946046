import Encoding
import EventLoop
import Foundation
import Locking
import Postgres
import TestSupport
import Testing

/// deployment-control as an operator would run it, for tests over HTTP: its executable, a database of its own whose schema
/// belongs to one role and is served by another, a token for each role, and a delivery engine's double.
final class ControlService: Sendable {
    static let name = "deployment-control"
    static let demo = "demo-service"

    /// Limits that tests do not run into unless they mean to.
    static let wideLimits = [
        "TRIVET_READS_PER_MINUTE": "5000", "TRIVET_MUTATIONS_PER_MINUTE": "5000", "TRIVET_DAILY_DEPLOYMENTS": "5000",
        "TRIVET_DAILY_ROLLBACKS": "5000", "TRIVET_DAILY_BUILDS": "5000", "TRIVET_DAILY_UPLOADS": "5000",
    ]
    /// Looks and reconciliation at the pace of a test.
    static let fastPolling = [
        "TRIVET_POLL_INTERVAL_MS": "100", "TRIVET_MINIMUM_LOOK_AGE_MS": "50", "TRIVET_GATE_START_TIMEOUT_MS": "1500",
        "TRIVET_RECONCILE_AFTER_MS": "4000", "TRIVET_RECONCILE_GIVE_UP_MS": "4000",
    ]

    /// Open to the superuser, so that a test can look at what the service stores.
    let database: Database
    let gate: GateDouble
    /// What commands get: with the URL of the schema's owner.
    let environment: [String: String]
    private let serving: [String: String]
    /// By role.
    let tokens: [String: String]
    private let processes = Locked<[ServiceUnderTest]>([])
    /// nil on a server of its own.
    private let fresh: TestDatabase?
    private let roles: [String]

    /// The first instance.
    var process: ServiceUnderTest { processes.withLock { $0[0] } }

    /// Starts one with a fresh database and runs `body`; everything ends with it.
    ///
    /// - Parameter settings: further TRIVET_ variables, or other values.
    static func run(
        _ settings: [String: String] = [:], gate arguments: [String] = [], instances: Int = 1,
        on server: PostgresServer? = nil, _ body: (ControlService) async throws -> Void
    ) async throws {
        await turnstile.enter()
        defer { turnstile.leave() }
        let service = try await ControlService(settings, arguments, server)
        do {
            for _ in 0..<instances { try await service.startInstance() }
            try await body(service)
        } catch {
            for process in service.processes.withLock({ $0 }) { print(process.log.suffix(4000)) }
            try? await service.stop()
            throw error
        }
        try await service.stop()
    }

    /// Each has some twenty connections to a cluster that takes a hundred.
    private static let turnstile = Turnstile(3)

    private init(
        _ settings: [String: String], _ gateArguments: [String], _ server: PostgresServer?
    ) async throws {
        let gate = try await GateDouble.start(gateArguments)
        let fresh = server == nil ? try await TestCluster.createDatabase() : nil
        let url = fresh?.url ?? server?.url ?? ""
        let roles = fresh.map { ["\($0.name)_owner", "\($0.name)_server"] } ?? []
        if let fresh {
            let administrator = try await TestCluster.administrator()
            for role in roles {
                try await administrator.execute(Command(text: "CREATE ROLE \(role) LOGIN PASSWORD '\(Self.password)'"))
            }
            try await administrator.execute(Command(text: "ALTER DATABASE \(fresh.name) OWNER TO \(roles[0])"))
        }
        var serving = [
            "TRIVET_DATABASE_URL": roles.last.map { TestCluster.url(url, as: $0, password: Self.password) } ?? url, "TRIVET_EVENT_LOOPS": "2",
            "TRIVET_LOG_FORMAT": "json", "TRIVET_GATE_URL": gate.url, "TRIVET_DECK_URL": "http://deck.example",
        ]
        serving.merge(settings) { $1 }
        var owning = serving
        if let owner = roles.first { owning["TRIVET_DATABASE_OWNER_URL"] = TestCluster.url(url, as: owner, password: Self.password) }
        _ = try await Self.output(of: ["migrate"], owning)
        _ = try await Self.output(
            of: [
                "service", "add", Self.demo, "--application", "demo", "--deploy-pipeline", "deploy-demo-service",
                "--rollback-pipeline", "rollback-demo-service", "--engine-url", "http://runtime.example",
            ], owning)
        var tokens: [String: String] = [:]
        for role in ["observer", "deployer", "ci-publisher", "admin"] {
            tokens[role] = try await Self.token(role, "client-\(role)", owning)
        }
        self.tokens = tokens
        self.gate = gate
        self.fresh = fresh
        self.serving = serving
        database = fresh?.open() ?? Database(DatabaseConfiguration(url: url), loops: TestLoops.group)
        if fresh == nil { database.start() }
        environment = owning
        self.roles = roles
    }

    /// One more instance on the same database.
    @discardableResult
    func startInstance(_ settings: [String: String] = [:], awaitReady: Bool = true) async throws -> ServiceUnderTest {
        let process = try await ServiceUnderTest.start(
            Self.name, environment: serving.merging(settings) { $1 }, awaitReady: awaitReady)
        processes.withLock { $0.append(process) }
        return process
    }

    var instances: [ServiceUnderTest] { processes.withLock { $0 } }

    private func stop() async throws {
        for process in instances { await process.end() }
        await gate.stop()
        await database.close(grace: .seconds(1))
        try await fresh?.drop()
        for role in roles {
            try await TestCluster.administrator().execute("DROP ROLE IF EXISTS \(identifier: role)")
        }
    }

    // MARK: Use

    /// One exchange on a connection of its own.
    ///
    /// - Parameter role: whose token is sent; nil for none.
    func send(
        _ method: String, _ target: String, as role: String? = "admin", key: String? = nil, _ body: String? = nil,
        fields: [String: String] = [:], to instance: ServiceUnderTest? = nil
    ) async throws -> TestResponse {
        var all = fields
        if let role, all["Authorization"] == nil { all["Authorization"] = "Bearer \(tokens[role] ?? role)" }
        if let key { all["Idempotency-Key"] = key }
        if body != nil, all["Content-Type"] == nil { all["Content-Type"] = "application/json" }
        let response = try await TestClient.exchange(
            (instance ?? process).address, method, target, fields: all, body: Array((body ?? "").utf8))
        let problems = try ContractCheck.shared.get().problems(of: response, to: method, target)
        #expect(problems.isEmpty, "\(method) \(target) \(response.status): \(response.text)")
        return response
    }

    static func intent(
        _ version: String = "1.4.0", service: String = demo, environment: String = "sandbox", summary: String = "a change"
    ) -> String {
        #"{"service":"\#(service)","environment":"\#(environment)","version":"\#(version)","changeSummary":"\#(summary)"}"#
    }

    /// POST /v1/deployments.
    func deploy(
        _ version: String = "1.4.0", key: String = Foundation.UUID().uuidString, as role: String = "deployer",
        to instance: ServiceUnderTest? = nil
    ) async throws -> TestResponse {
        try await send("POST", "/v1/deployments", as: role, key: key, Self.intent(version), to: instance)
    }

    func rollBack(
        _ id: String, key: String = Foundation.UUID().uuidString, as role: String = "deployer", _ body: String? = nil
    ) async throws -> TestResponse {
        try await send("POST", "/v1/deployments/\(id)/rollback", as: role, key: key, body)
    }

    /// Deploys a version and waits until it has ended as told.
    @discardableResult
    func deployed(_ version: String, _ status: String = "SUCCEEDED") async throws -> JSONValue {
        let response = try await deploy(version)
        try #require(response.status == 201, "\(response.text)")
        let record = try response.json
        try await gate.change(try #require(record["spinnakerExecutionId"]?.string), #"{"status": "\#(status)"}"#)
        return try await ended(try #require(record["id"]?.string))
    }

    /// Reads a record until it is terminal.
    func ended(_ id: String) async throws -> JSONValue {
        try await eventually { [self] in
            let record = try await send("GET", "/v1/deployments/\(id)").json
            let state = record["state"]?.string
            // JSON has a nil of its own.
            return state == "ACTIVE" || state == nil ? Optional<JSONValue>.none : record
        }
    }

    func count(_ sql: SQL<Int>) async throws -> Int { try await database.one(sql) }

    func run(_ arguments: [String]) async throws -> (exit: ChildExit, output: String, error: String) {
        try await ServiceUnderTest.run(Self.name, arguments, environment: environment)
    }

    /// A token of one more client.
    func makeToken(_ role: String, client: String) async throws -> String {
        try await Self.token(role, client, environment)
    }

    // MARK: Helpers

    private static let password = "of-a-test"

    private static func token(_ role: String, _ client: String, _ environment: [String: String]) async throws -> String {
        try await output(of: ["token", "create", "--client", client, "--role", role], environment)
            .trimmingCharacters(in: .newlines)
    }

    private static func output(of arguments: [String], _ environment: [String: String]) async throws -> String {
        let (exit, output, error) = try await ServiceUnderTest.run(name, arguments, environment: environment)
        try #require(exit.isSuccess, "\(arguments): \(exit)\n\(output)\n\(error)")
        return output
    }
}

extension TestResponse {
    var json: JSONValue { get throws { try JSONReader.parse(body, limits: JSONLimits(bytesMax: 64 << 20)) } }
    var code: String? { (try? json)?["code"]?.string }
    var id: String { (try? json)?["id"]?.string ?? "" }
}

/// Asks until there is an answer.
func eventually<T>(within limit: Duration = .seconds(60), _ ask: () async throws -> T?) async throws -> T {
    let deadline = ContinuousClock.now + limit
    while ContinuousClock.now < deadline {
        if let answer = try await ask() { return answer }
        try await Task.sleep(for: .milliseconds(20))
    }
    throw NeverHappened()
}

struct NeverHappened: Error {}
