import Dispatch
import Encoding
import EventLoop
import Foundation
import Postgres
import TestSupport
import Testing

/// validation-decision as an operator would run it, for tests over HTTP: its executable, a database of its own whose schema
/// belongs to one role and is served by another with its declared rights only, tokens, and a directory for objects.
///
/// Most tests share one (``shared()``). Tests that stop, tune or starve a service start their own (``start(_:)``) and
/// ``stop()`` it.
final class ValidationService: Sendable {
    static let name = "validation-decision"

    /// Names of the clients that the tokens were made for.
    static let pipeline = "billing-pipeline"
    static let reviewer = "security-review"

    /// Open to the superuser, so that a test can look at and tamper with what the service stores.
    let database: Database
    /// What commands get: with the URL of the schema's owner.
    let environment: [String: String]
    let process: ServiceUnderTest
    let validatorToken: String
    let auditorToken: String
    let objectRoot: URL
    private let fresh: TestDatabase
    private let roles: [String]

    var address: SocketAddress { process.address }

    // MARK: Life

    /// The one that tests share, holding the objects of the contract's examples. It ends with the test process.
    static func shared() async throws -> ValidationService { try await sharedStart.value }

    private static let sharedStart = Task {
        let service = try await start()
        for object in try OpenAPIDocument.load().objects {
            try service.putObject(object.content, bucket: object.bucket, key: object.key)
        }
        // The cluster's own handler is registered by now and therefore runs after this one.
        atexit {
            let stopped = DispatchSemaphore(value: 0)
            Task {
                try? await ValidationService.shared().stop()
                stopped.signal()
            }
            _ = stopped.wait(timeout: .now() + 10)
        }
        return service
    }

    /// Starts one with a fresh database.
    ///
    /// - Parameter settings: further TRIVET_ variables, or other values of those given here.
    static func start(_ settings: [String: String] = [:]) async throws -> ValidationService {
        try await ValidationService(settings)
    }

    private init(_ settings: [String: String]) async throws {
        let fresh = try await TestCluster.createDatabase()
        let administrator = try await TestCluster.administrator()
        let (owner, server) = ("\(fresh.name)_owner", "\(fresh.name)_server")
        for role in [owner, server] {
            try await administrator.execute(
                Command(text: "CREATE ROLE \(role) LOGIN PASSWORD '\(ValidationService.password)'"))
        }
        try await administrator.execute(Command(text: "ALTER DATABASE \(fresh.name) OWNER TO \(owner)"))
        let objectRoot = FileManager.default.temporaryDirectory.appendingPathComponent(fresh.name)
        try FileManager.default.createDirectory(at: objectRoot, withIntermediateDirectories: true)

        var serving = [
            "TRIVET_DATABASE_URL": TestCluster.url(fresh.url, as: server, password: ValidationService.password),
            "TRIVET_OBJECT_STORE_ROOT": objectRoot.path, "TRIVET_EVENT_LOOPS": "2", "TRIVET_LOG_FORMAT": "json",
        ]
        serving.merge(settings) { $1 }
        var owning = serving
        owning["TRIVET_DATABASE_OWNER_URL"] = TestCluster.url(fresh.url, as: owner, password: ValidationService.password)

        _ = try await ValidationService.output(of: ["migrate"], owning)
        validatorToken = try await ValidationService.makeToken(ValidationService.pipeline, "validator", owning)
        auditorToken = try await ValidationService.makeToken(ValidationService.reviewer, "auditor", owning)
        process = try await ServiceUnderTest.start(ValidationService.name, environment: serving)
        self.fresh = fresh
        database = fresh.open()
        self.objectRoot = objectRoot
        environment = owning
        roles = [owner, server]
    }

    /// One more process on the same database, with other settings. End it with `end()`.
    func startAnother(_ settings: [String: String]) async throws -> ServiceUnderTest {
        var serving = environment
        serving["TRIVET_DATABASE_OWNER_URL"] = nil
        serving.merge(settings) { $1 }
        return try await ServiceUnderTest.start(ValidationService.name, environment: serving)
    }

    /// Ends the process and removes everything that it had.
    func stop() async throws {
        await process.end()
        try? FileManager.default.removeItem(at: objectRoot)
        await database.close(grace: .seconds(1))
        try await fresh.drop()
        for role in roles {
            try await TestCluster.administrator().execute("DROP ROLE IF EXISTS \(identifier: role)")
        }
    }

    // MARK: Use

    /// One exchange on a connection of its own.
    ///
    /// - Parameter token: sent as `Authorization: Bearer`, unless `fields` has its own.
    func send(
        _ method: String, _ target: String, token: String? = nil, fields: [String: String] = [:], body: [UInt8] = []
    ) async throws -> TestResponse {
        var fields = fields
        if let token, fields["Authorization"] == nil { fields["Authorization"] = "Bearer \(token)" }
        return try await TestClient.exchange(address, method, target, fields: fields, body: body)
    }

    /// Sends a form as the pipeline.
    func post(_ target: String, _ parts: [FormPart], fields: [String: String] = [:]) async throws -> TestResponse {
        let form = FormBody(parts)
        var fields = fields
        fields["Content-Type"] = form.contentType
        return try await send("POST", target, token: validatorToken, fields: fields, body: form.bytes)
    }

    /// Reads the audit log as the reviewer.
    ///
    /// - Parameter query: `decision=BLOCK&limit=10`
    func auditRecords(_ query: String = "limit=1000") async throws -> [JSONValue] {
        let response = try await send("GET", "/api/v1/audit/logs?\(query)", token: auditorToken)
        try #require(response.status == 200, "\(response.text)")
        return try #require(try JSONReader.parse(response.body).array)
    }

    func putObject(_ content: [UInt8], bucket: String, key: String) throws {
        let file = objectRoot.appendingPathComponent(bucket).appendingPathComponent(key)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(content).write(to: file)
    }

    /// Runs a command of the executable as the schema's owner.
    func run(_ arguments: [String]) async throws -> (exit: ChildExit, output: String, error: String) {
        try await ServiceUnderTest.run(ValidationService.name, arguments, environment: environment)
    }

    // MARK: Helpers

    private static let password = "of-a-test"

    private static func makeToken(
        _ client: String, _ role: String, _ environment: [String: String]
    ) async throws -> String {
        let output = try await output(of: ["token", "create", "--client", client, "--role", role], environment)
        return output.trimmingCharacters(in: .newlines)
    }

    private static func output(of arguments: [String], _ environment: [String: String]) async throws -> String {
        let (exit, output, error) = try await ServiceUnderTest.run(name, arguments, environment: environment)
        try #require(exit.isSuccess, "\(arguments): \(exit)\n\(output)\n\(error)")
        return output
    }
}
