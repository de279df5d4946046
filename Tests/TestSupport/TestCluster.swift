import EventLoop
import Glibc
public import Postgres

/// The PostgreSQL cluster that all tests of a process share: the one whose superuser's URL stands in TRIVET_TEST_DATABASE_URL, or one of its own.
public enum TestCluster {
    private static let starting = Task { () async throws -> Database in
        let url: String
        if let given = getenv("TRIVET_TEST_DATABASE_URL"), given.pointee != 0 {
            url = String(cString: given)
        } else {
            url = try await PostgresServer.start().url
        }
        var configuration = DatabaseConfiguration(url: url)
        configuration.applicationName = "trivet-tests"
        configuration.statementTimeout = .seconds(60)
        configuration.connectTimeout = .seconds(60)
        let database = Database(configuration, loops: TestLoops.group)
        database.start()
        return database
    }

    /// The superuser's connections to the database of the cluster's maintenance.
    public static func administrator() async throws -> Database { try await starting.value }

    /// A fresh database on the shared cluster. Drop it when done.
    public static func createDatabase() async throws -> TestDatabase {
        let administrator = try await administrator()
        var random = SystemRandomNumberGenerator()
        let name = "test_" + String(random.next(), radix: 36)
        try await administrator.execute("CREATE DATABASE \(identifier: name) TEMPLATE template0")
        return TestDatabase(name: name, url: replacingDatabase(administrator.configuration.url, with: name))
    }

    /// `url` for a role, for a cluster that asks for its password and for one that does not. libpq lets a parameter of the query win
    /// over the authority.
    public static func url(_ url: String, as role: String, password: String) -> String {
        let pieces = url.split(separator: "?", maxSplits: 1)
        let parameters = (pieces.count > 1 ? pieces[1].split(separator: "&") : []).filter {
            !$0.hasPrefix("user=") && !$0.hasPrefix("password=")
        }
        let identity = ["user=\(role)", "password=\(password)"]
        return "\(pieces[0])?" + (parameters.map(String.init) + identity).joined(separator: "&")
    }

    /// The URL with another database in its path.
    static func replacingDatabase(_ url: String, with name: String) -> String {
        guard let scheme = url.range(ofText: "://") else { return url }
        let rest = url[scheme...]
        let query = rest.firstIndex(of: "?") ?? url.endIndex
        let authority = rest[..<query].firstIndex(of: "/") ?? query
        return "\(url[..<authority])/\(name)\(url[query...])"
    }
}

/// A database for one test or suite.
public struct TestDatabase: Sendable {
    public let name: String
    /// Of the superuser.
    public let url: String

    public func drop() async throws {
        try await TestCluster.administrator().execute("DROP DATABASE IF EXISTS \(identifier: name) WITH (FORCE)")
    }

    /// Connects on the shared loops of the tests.
    public func open(_ configure: (inout DatabaseConfiguration) -> Void = { _ in }) -> Database {
        var configuration = DatabaseConfiguration(url: url)
        configuration.applicationName = "trivet-test"
        // A busy machine is no reason to fail.
        configuration.connectTimeout = .seconds(60)
        configuration.acquireTimeout = .seconds(60)
        configuration.statementTimeout = .seconds(60)
        configure(&configuration)
        let database = Database(configuration, loops: TestLoops.group)
        database.start()
        return database
    }
}

/// Hands out the URL of a fresh database and drops it afterwards.
public func withTestDatabaseURL<T>(_ body: (String) async throws -> T) async throws -> T {
    let database = try await TestCluster.createDatabase()
    do {
        let value = try await body(database.url)
        try await database.drop()
        return value
    } catch {
        try? await database.drop()
        throw error
    }
}

/// Connects to a fresh database, on the shared loops of the tests; closes and drops it afterwards.
public func withTestDatabase<T>(
    _ configure: (inout DatabaseConfiguration) -> Void = { _ in }, _ body: (Database) async throws -> T
) async throws -> T {
    let fresh = try await TestCluster.createDatabase()
    let database = fresh.open(configure)
    do {
        let value = try await body(database)
        await database.close(grace: .seconds(1))
        try await fresh.drop()
        return value
    } catch {
        await database.close(grace: .seconds(1))
        try? await fresh.drop()
        throw error
    }
}

extension String {
    /// Where the text behind `needle` begins.
    fileprivate func range(ofText needle: String) -> String.Index? {
        var start = startIndex
        while start < endIndex {
            if self[start...].hasPrefix(needle) { return index(start, offsetBy: needle.count) }
            start = index(after: start)
        }
        return nil
    }
}
