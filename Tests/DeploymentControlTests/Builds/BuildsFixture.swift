import Crypto
import Encoding
import EventLoop
import Foundation
import Postgres
import ServiceKit
import TestSupport
import Testing

/// An installation of its own for tests of builds: a database, one service in the allowlist, clients, a directory for artifacts.
struct BuildsFixture: Sendable {
    let database: TestDatabase
    let root: String
    var variables: [String: String]
    let tokens: [String: String]

    static let service = "demo-service"

    /// - Parameter settings: variables of the service beyond the usual.
    static func with<T>(
        _ settings: [String: String] = [:], _ body: (BuildsFixture) async throws -> T
    ) async throws -> T {
        let database = try await TestCluster.createDatabase()
        let root = FileManager.default.temporaryDirectory.appendingPathComponent("trivet-artifacts-\(UInt64.random(in: 0 ... .max))").path
        try FileManager.default.createDirectory(atPath: root, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(atPath: root) }
        do {
            let value = try await body(try await make(database, root, settings))
            try await remove(database)
            return value
        } catch {
            try? await remove(database)
            throw error
        }
    }

    private static func remove(_ database: TestDatabase) async throws {
        try await database.drop()
        for role in [owner(database), serving(database)] {
            try await TestCluster.administrator().execute("DROP ROLE IF EXISTS \(identifier: role)")
        }
    }

    private static func owner(_ database: TestDatabase) -> String { database.name + "_owner" }
    private static func serving(_ database: TestDatabase) -> String { database.name + "_app" }

    private static let password = "of-a-test"

    private static func url(_ database: TestDatabase, user: String) -> String {
        TestCluster.url(database.url, as: user, password: password)
    }

    private static func make(_ database: TestDatabase, _ root: String, _ settings: [String: String]) async throws -> BuildsFixture {
        let administrator = try await TestCluster.administrator()
        for role in [owner(database), serving(database)] {
            try await administrator.execute("CREATE ROLE \(identifier: role) LOGIN PASSWORD \(raw: "'of-a-test'")")
        }
        try await administrator.execute("ALTER DATABASE \(identifier: database.name) OWNER TO \(identifier: owner(database))")
        var variables = [
            "TRIVET_DATABASE_URL": url(database, user: serving(database)),
            "TRIVET_DATABASE_OWNER_URL": url(database, user: owner(database)), "TRIVET_LOG_FORMAT": "json", "TRIVET_READS_PER_MINUTE": "5000",
            "TRIVET_MUTATIONS_PER_MINUTE": "5000", "TRIVET_DAILY_BUILDS": "5000", "TRIVET_DAILY_UPLOADS": "5000",
            "TRIVET_SIGNING_KEY": Base64.encode([UInt8](repeating: 7, count: 32)), "TRIVET_EVENT_LOOPS": "2",
        ].merging(settings) { $1 }
        if variables["TRIVET_S3_ENDPOINT"] == nil { variables["TRIVET_ARTIFACT_ROOT"] = root }
        for arguments in [
            ["migrate"],
            ["service", "add", service, "--application", "demo", "--deploy-pipeline", "deploy", "--rollback-pipeline", "back"],
        ] {
            let done = try await ServiceUnderTest.run("deployment-control", arguments, environment: variables)
            try #require(done.exit.isSuccess, "\(arguments): \(done.error)")
        }
        var tokens: [String: String] = [:]
        for (client, role) in [("ci", "ci-publisher"), ("ci-two", "ci-publisher"), ("root", "admin"), ("dev", "deployer"), ("eye", "observer")] {
            let done = try await ServiceUnderTest.run(
                "deployment-control", ["token", "create", "--client", client, "--role", role], environment: variables)
            try #require(done.exit.isSuccess, "\(done.error)")
            tokens[client] = done.output.trimmingCharacters(in: .whitespacesAndNewlines)
        }
        return BuildsFixture(database: database, root: root, variables: variables, tokens: tokens)
    }

    func start() async throws -> ServiceUnderTest {
        try await ServiceUnderTest.start("deployment-control", environment: variables)
    }

    /// Runs one instance around `body`.
    func serving<T>(_ body: (BuildsClient) async throws -> T) async throws -> T {
        let instance = try await start()
        do {
            let value = try await body(client(of: instance))
            await instance.end()
            return value
        } catch {
            await instance.end()
            throw error
        }
    }

    func client(of instance: ServiceUnderTest, _ name: String = "ci") -> BuildsClient {
        BuildsClient(fixture: self, address: instance.address, name: name, pid: instance.pid ?? 0)
    }

    /// A value that the superuser reads.
    func value<Value: PostgresRow>(_ sql: SQL<Value>) async throws -> Value {
        let connection = database.open()
        do {
            let value = try await connection.one(sql)
            await connection.close(grace: .seconds(1))
            return value
        } catch {
            await connection.close(grace: .seconds(1))
            throw error
        }
    }

    func execute(_ statements: [Command]) async throws {
        let connection = database.open()
        do {
            _ = try await connection.transaction { try await $0.group(statements) }
            await connection.close(grace: .seconds(1))
        } catch {
            await connection.close(grace: .seconds(1))
            throw error
        }
    }

    /// Moves all capabilities into the past.
    func expireCapabilities(by interval: String = "1 hour") async throws {
        try await execute([
            "ALTER TABLE upload_capability DISABLE TRIGGER guard",
            """
            UPDATE upload_capability SET created_at = created_at - \(interval)::interval - interval '1 day',
                expires_at = now() - \(interval)::interval
            """,
            "ALTER TABLE upload_capability ENABLE TRIGGER guard",
        ])
    }

    func used(_ quota: String, by client: String = "ci") async throws -> Int {
        try await value(
            "SELECT coalesce(sum(used), 0)::bigint FROM daily_counter WHERE client = \(client) AND quota = \(quota)" as SQL<Int>)
    }

    /// Paths of all files below the root.
    var files: [String] {
        FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String }.filter {
            var isDirectory: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(root)/\($0)", isDirectory: &isDirectory) && !isDirectory.boolValue
        }.sorted() ?? []
    }
}

/// Bytes to be published.
struct TestArtifact: Sendable {
    var bytes: [UInt8]
    var contentType: String

    var sha256: String { SHA256.hash(bytes).hex }

    /// A small archive whose content depends on `seed`.
    static func zip(_ seed: Int = 0) -> TestArtifact {
        TestArtifact(bytes: zipBytes(content: Array("content \(seed)".utf8)), contentType: "application/zip")
    }

    static func zipBytes(content: [UInt8]) -> [UInt8] {
        let front: [UInt8] = [0x50, 0x4B, 3, 4] + [UInt8](repeating: 0, count: 26) + content
        let directory: [UInt8] = [0x50, 0x4B, 1, 2] + [UInt8](repeating: 0, count: 42)
        return front + directory + zipEnd(directoryBytes: directory.count, offset: front.count)
    }

    static func zipEnd(directoryBytes: Int, offset: Int) -> [UInt8] {
        func little(_ value: Int, _ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) } }
        return [0x50, 0x4B, 5, 6, 0, 0, 0, 0] + little(1, 2) + little(1, 2) + little(directoryBytes, 4) + little(offset, 4) + [0, 0]
    }

    /// Made by the tools that people use.
    static func made(by script: String, contentType: String) throws -> TestArtifact {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/bin/sh")
        process.arguments = ["-c", "set -e; d=$(mktemp -d); cd $d; \(script); rm -rf $d"]
        let pipe = Pipe()
        process.standardOutput = pipe
        try process.run()
        let data = pipe.fileHandleForReading.readDataToEndOfFile()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0)
        return TestArtifact(bytes: Array(data), contentType: contentType)
    }
}
