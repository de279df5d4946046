import EventLoop
import Foundation
import Locking
import Postgres
import TestSupport
import Testing

/// validation-decision with a PostgreSQL server of its own: for tests that kill, freeze or tamper with either of them.
///
/// Its process can be replaced; ``address`` is that of the latest one.
final class LoneService: Sendable {
    /// The process is not there any more.
    struct Ended: Error {
        let exit: ChildExit
        let log: String
    }

    let server: PostgresServer
    /// What commands get: with the URL of the schema's owner.
    let environment: [String: String]
    let objectRoot: URL
    private let tokens = Locked<[String: String]>([:])
    private let current = Locked<ServiceUnderTest?>(nil)

    /// Starts PostgreSQL, migrates, and starts the service.
    ///
    /// - Parameter settings: further TRIVET_ variables.
    static func start(_ settings: [String: String] = [:]) async throws -> LoneService {
        let lone = try await withoutService(settings)
        try await lone.migrate()
        try await lone.startProcess()
        return lone
    }

    /// PostgreSQL with the roles, without schema and service.
    static func withoutService(_ settings: [String: String] = [:]) async throws -> LoneService {
        let lone = try LoneService(try await PostgresServer.start(), settings)
        try await lone.withDatabase { database in
            for role in [owner, serving] { try await database.execute("CREATE ROLE \(identifier: role) LOGIN") }
            try await database.execute("GRANT CREATE ON SCHEMA public TO \(identifier: owner)")
        }
        return lone
    }

    private init(_ server: PostgresServer, _ settings: [String: String]) throws {
        self.server = server
        objectRoot = FileManager.default.temporaryDirectory.appendingPathComponent("trivet-objects-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: objectRoot, withIntermediateDirectories: true)
        var environment = [
            "TRIVET_DATABASE_URL": LoneService.url(server, as: LoneService.serving),
            "TRIVET_DATABASE_OWNER_URL": LoneService.url(server, as: LoneService.owner),
            "TRIVET_OBJECT_STORE_ROOT": objectRoot.path, "TRIVET_EVENT_LOOPS": "2", "TRIVET_LOG_LEVEL": "warn",
        ]
        environment.merge(settings) { $1 }
        self.environment = environment
    }

    /// Ends both and removes what they had.
    func stop() async {
        await current.withLock { $0 }?.end(with: SIGKILL)
        server.remove()
        try? FileManager.default.removeItem(at: objectRoot)
    }

    // MARK: The service

    /// Migrates and makes a token for each role.
    func migrate() async throws {
        _ = try await output(of: ["migrate"])
        for role in ["validator", "auditor"] {
            let token = try await output(of: ["token", "create", "--client", "a-\(role)", "--role", role])
            tokens.withLock { $0[role] = token.trimmingCharacters(in: .newlines) }
        }
    }

    /// A token that the service has not seen yet.
    func freshToken(_ role: String = "validator") async throws -> String {
        let token = try await output(of: ["token", "create", "--client", "one-more", "--role", role])
        return token.trimmingCharacters(in: .newlines)
    }

    var validatorToken: String { tokens.withLock { $0["validator"] } ?? "none" }
    var auditorToken: String { tokens.withLock { $0["auditor"] } ?? "none" }

    func startProcess(awaitReady: Bool = true) async throws {
        var serving = environment
        serving["TRIVET_DATABASE_OWNER_URL"] = nil
        let process = try await ServiceUnderTest.start(
            ValidationService.name, environment: serving, awaitReady: awaitReady)
        current.withLock { $0 = process }
    }

    var process: ServiceUnderTest {
        get throws { try #require(current.withLock { $0 }) }
    }

    var address: SocketAddress {
        get throws { try process.address }
    }

    /// Waits until `/readyz` answers 503, and returns its body.
    func awaitNotReady() async throws -> String { try await awaitReason("") }

    /// Waits until `/readyz` answers 503 with a body that holds `word`, and returns it.
    func awaitReason(_ word: String) async throws -> String {
        while true {
            if let exit = try process.exit { throw Ended(exit: exit, log: try process.log) }
            // A service that is starting may not listen yet.
            let answer = try? await TestClient.exchange(try address, "GET", "/readyz")
            if let answer, answer.status == 503, word.isEmpty || answer.text.contains(word) { return answer.text }
            try await Task.sleep(for: .milliseconds(10))
        }
    }

    /// Runs a command of the executable as the schema's owner.
    func run(_ arguments: [String]) async throws -> (exit: ChildExit, output: String, error: String) {
        try await ServiceUnderTest.run(ValidationService.name, arguments, environment: environment)
    }

    private func output(of arguments: [String]) async throws -> String {
        let (exit, output, error) = try await run(arguments)
        try #require(exit.isSuccess, "\(arguments): \(exit)\n\(output)\n\(error)")
        return output
    }

    // MARK: PostgreSQL

    /// The superuser's connections.
    func withDatabase<T>(_ body: (Database) async throws -> T) async throws -> T {
        var configuration = DatabaseConfiguration(url: server.url)
        configuration.applicationName = "trivet-test"
        configuration.statementTimeout = .seconds(60)
        let database = Database(configuration, loops: TestLoops.group)
        database.start()
        do {
            let value = try await body(database)
            await database.close(grace: .seconds(1))
            return value
        } catch {
            await database.close(grace: .seconds(1))
            throw error
        }
    }

    private static let owner = "trivet_owner"
    private static let serving = "trivet_server"

    private static func url(_ server: PostgresServer, as role: String) -> String {
        "postgres:///postgres?host=\(server.directory)&port=\(server.port)&user=\(role)"
    }
}
