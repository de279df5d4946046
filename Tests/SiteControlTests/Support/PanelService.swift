import Encoding
import EventLoop
import Foundation
import Locking
import Postgres
import TestSupport
import Testing

/// site-control as an operator would run it, for tests over HTTP: its executable, a database of its own whose schema belongs to
/// one role and is served by another, a token for each role, and an active node. Without workers, unless a test sets them.
final class PanelService: Sendable {
    static let name = "site-control"
    static let email = "operator@example.net"
    static let password = "correct horse battery staple"

    /// Open to the superuser, so that a test can look at what the service stores and write what a worker would have written.
    let database: Database
    /// What commands get: with the URL of the schema's owner.
    let environment: [String: String]
    /// By role.
    let tokens: [String: String]
    /// Active, with the address 198.51.100.7.
    let node: Encoding.UUID
    let directory: String
    private let serving: [String: String]
    private let processes = Locked<[ServiceUnderTest]>([])
    private let fresh: TestDatabase?
    /// The owner of the schema, and the one that serves; none on a server of its own.
    let roles: [String]

    /// Starts one with a fresh database and runs `body`; everything ends with it.
    ///
    /// - Parameter settings: further TRIVET_ variables, or other values; an empty one is not set.
    static func run(
        _ settings: [String: String] = [:], instances: Int = 1, on server: PostgresServer? = nil,
        _ body: (PanelService) async throws -> Void
    ) async throws {
        await places.enter()
        defer { places.leave() }
        let service = try await PanelService(settings, server)
        do {
            for _ in 0..<instances { try await service.startInstance() }
            try await body(service)
        } catch {
            for process in service.instances { print(process.log.suffix(4000)) }
            try? await service.stop()
            throw error
        }
        try await service.stop()
    }

    /// Each has some twenty connections to a cluster that takes a hundred.
    private static let places = PanelPlaces(2)

    private init(_ settings: [String: String], _ server: PostgresServer?) async throws {
        let fresh = server == nil ? try await TestCluster.createDatabase() : nil
        let url = fresh?.url ?? server?.url ?? ""
        let roles = fresh.map { ["\($0.name)_owner", "\($0.name)_server"] } ?? []
        if let fresh {
            let administrator = try await TestCluster.administrator()
            for role in roles {
                try await administrator.execute(Command(text: "CREATE ROLE \(role) LOGIN PASSWORD '\(Self.rolePassword)'"))
            }
            try await administrator.execute(Command(text: "ALTER DATABASE \(fresh.name) OWNER TO \(roles[0])"))
        }
        let directory = NSTemporaryDirectory() + "/panel-" + Foundation.UUID().uuidString
        try FileManager.default.createDirectory(
            atPath: directory + "/secrets", withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        var serving = [
            "TRIVET_DATABASE_URL": roles.last.map { TestCluster.url(url, as: $0, password: Self.rolePassword) } ?? url,
            "TRIVET_EVENT_LOOPS": "2", "TRIVET_LOG_FORMAT": "json", "TRIVET_WORKERS": "0",
            "TRIVET_SECRETS_DIRECTORY": directory + "/secrets", "TRIVET_SCRATCH_DIRECTORY": directory + "/scratch",
            "TRIVET_BACKUP_BUCKET": "backups", "TRIVET_S3_ENDPOINT": "http://127.0.0.1:9", "TRIVET_S3_REGION": "us-east-1",
            "TRIVET_S3_ACCESS_KEY_ID": "TESTACCESSKEY", "TRIVET_S3_SECRET_ACCESS_KEY": "of-a-test",
        ]
        serving.merge(settings) { $1 }
        serving = serving.filter { !$0.value.isEmpty }
        var owning = serving
        if let owner = roles.first {
            owning["TRIVET_DATABASE_OWNER_URL"] = TestCluster.url(url, as: owner, password: Self.rolePassword)
        }
        _ = try await Self.output(of: ["migrate"], owning)
        var tokens: [String: String] = [:]
        for role in ["automation", "reader"] {
            tokens[role] = try await Self.output(of: ["token", "create", "--client", "client-\(role)", "--role", role], owning)
        }
        database = fresh?.open() ?? Database(DatabaseConfiguration(url: url), loops: TestLoops.group)
        if fresh == nil { database.start() }
        node = try await database.addNode(name: "local", isLocal: true)
        self.tokens = tokens
        self.fresh = fresh
        self.serving = serving
        self.directory = directory
        self.roles = roles
        environment = owning
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
    /// The first instance that runs.
    var process: ServiceUnderTest { processes.withLock { all in all.first { $0.exit == nil } ?? all[0] } }

    private func stop() async throws {
        for process in instances where process.exit == nil { await process.end() }
        await database.close(grace: .seconds(1))
        try? FileManager.default.removeItem(atPath: directory)
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
        _ method: String, _ target: String, as role: String? = "automation", _ body: String? = nil,
        fields: [String: String] = [:], to instance: ServiceUnderTest? = nil
    ) async throws -> TestResponse {
        var all = fields
        if let role, all["Authorization"] == nil { all["Authorization"] = "Bearer \(tokens[role] ?? role)" }
        if body != nil, all["Content-Type"] == nil { all["Content-Type"] = "application/json" }
        let response = try await TestClient.exchange(
            (instance ?? process).address, method, target, fields: all, body: Array((body ?? "").utf8))
        let problems = try SiteContract.shared.get().problems(of: response, to: method, target)
        #expect(problems.isEmpty, "\(method) \(target) \(response.status): \(response.text.prefix(500))")
        return response
    }

    /// A call that has to be accepted.
    ///
    /// - Returns: its job's id.
    func accepted(_ method: String, _ target: String, _ body: String? = nil) async throws -> Encoding.UUID {
        let response = try await send(method, target, body)
        try #require(response.status == 202, "\(method) \(target): \(response.status) \(response.text)")
        return try #require(try response.document["job_id"]?.string.flatMap { Encoding.UUID($0) })
    }

    /// Makes the administrator once, and signs in.
    ///
    /// - Returns: the session's token.
    func signIn() async throws -> String {
        let file = directory + "/password"
        try Data(Self.password.utf8).write(to: URL(fileURLWithPath: file))
        _ = try await run(["admin", "create", "--email", Self.email, "--password-file", file])
        let response = try await send(
            "POST", "/api/login", as: nil, #"{"email":"\#(Self.email)","password":"\#(Self.password)"}"#)
        return try #require(try response.document["session_token"]?.string)
    }

    func run(_ arguments: [String]) async throws -> (exit: ChildExit, output: String, error: String) {
        try await ServiceUnderTest.run(Self.name, arguments, environment: environment)
    }

    private static let rolePassword = "of-a-test"

    private static func output(of arguments: [String], _ environment: [String: String]) async throws -> String {
        let (exit, output, error) = try await ServiceUnderTest.run(name, arguments, environment: environment)
        try #require(exit.isSuccess, "\(arguments): \(exit)\n\(output)\n\(error)")
        return output.trimmingCharacters(in: .newlines)
    }
}

extension TestResponse {
    var document: JSONValue { get throws { try JSONReader.parse(body, limits: JSONLimits(bytesMax: 64 << 20)) } }
    var code: String? { (try? document)?["code"]?.string }
    /// Of a 409.
    var reason: String? { (try? document)?["details"]?["reason"]?.string }
    /// Fields that a 400 names.
    var problemFields: [String] {
        (try? document)?["details"]?["problems"]?.array?.compactMap { $0["field"]?.string } ?? []
    }
}
