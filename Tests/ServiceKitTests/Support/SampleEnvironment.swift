import EventLoop
import Postgres
import TestSupport

/// A database with an owner's and a serving role, and the environment that tells the sample service of them.
struct SampleEnvironment: Sendable {
    let database: TestDatabase
    let owner: String
    let serving: String

    static func make() async throws -> SampleEnvironment {
        let database = try await TestCluster.createDatabase()
        let administrator = try await TestCluster.administrator()
        let owner = database.name + "_owner"
        let serving = database.name + "_app"
        for role in [owner, serving] {
            try await administrator.execute("CREATE ROLE \(identifier: role) LOGIN PASSWORD \(raw: "'of-a-test'")")
        }
        try await administrator.execute("ALTER DATABASE \(identifier: database.name) OWNER TO \(identifier: owner)")
        return SampleEnvironment(database: database, owner: owner, serving: serving)
    }

    func remove() async throws {
        try await database.drop()
        let administrator = try await TestCluster.administrator()
        for role in [owner, serving] { try await administrator.execute("DROP ROLE IF EXISTS \(identifier: role)") }
    }

    var variables: [String: String] {
        ["TRIVET_DATABASE_URL": url(serving), "TRIVET_DATABASE_OWNER_URL": url(owner), "TRIVET_LOG_LEVEL": "debug"]
    }

    /// Of both roles.
    private static let password = "of-a-test"

    func url(_ role: String) -> String { TestCluster.url(database.url, as: role, password: Self.password) }

    func run(_ arguments: String...) async throws -> (exit: ChildExit, output: String, error: String) {
        try await ServiceUnderTest.run("sample-service", arguments, environment: variables)
    }

    func migrate() async throws {
        let done = try await run("migrate")
        guard done.exit == .exited(code: 0) else { throw CommandFailed(text: done.error) }
    }

    func token(_ role: String, client: String = "ci") async throws -> String {
        let done = try await run("token", "create", "--client", client, "--role", role)
        guard done.exit == .exited(code: 0) else { throw CommandFailed(text: done.error) }
        return String(done.output.dropLast())
    }

    func start(_ more: [String: String] = [:], awaitReady: Bool = true) async throws -> ServiceUnderTest {
        try await ServiceUnderTest.start(
            "sample-service", environment: variables.merging(more) { _, new in new }, awaitReady: awaitReady)
    }

    struct CommandFailed: Error {
        let text: String
    }
}

func withSample(_ body: (SampleEnvironment) async throws -> Void) async throws {
    let sample = try await SampleEnvironment.make()
    do {
        try await body(sample)
    } catch {
        try? await sample.remove()
        throw error
    }
    try await sample.remove()
}
