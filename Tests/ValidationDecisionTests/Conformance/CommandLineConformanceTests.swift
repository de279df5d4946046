import EventLoop
import Foundation
import Postgres
import TestSupport
import Testing

/// The page on configuration and the command line.
@Suite(.serialized) struct CommandLineConformanceTests {
    let service: ValidationService

    init() async throws { service = try await ValidationService.shared() }

    typealias Outcome = (exit: ChildExit, output: String, error: String)

    /// Runs the executable with the variables given and no others.
    private func run(_ arguments: [String], _ environment: [String: String] = [:]) async throws -> Outcome {
        try await ServiceUnderTest.run(ValidationService.name, arguments, environment: environment)
    }

    private var valid: [String: String] {
        var environment = service.environment
        environment["TRIVET_LISTEN"] = "127.0.0.1:0"
        return environment
    }

    private func lines(_ text: String) -> [Substring] { text.split(separator: "\n") }

    // MARK: Help and usage

    static let commands = [
        [], ["serve"], ["migrate"], ["check-config"], ["token"], ["token", "create"], ["token", "list"],
        ["token", "revoke"], ["audit"], ["audit", "verify"], ["version"],
    ]

    @Test("--help explains every command on stdout and exits 0, without any configuration", arguments: commands)
    func help(_ command: [String]) async throws {
        let outcome = try await run(command + ["--help"])
        #expect(outcome.exit == .exited(code: 0), "\(outcome)")
        #expect(outcome.error.isEmpty)
        #expect(!outcome.output.isEmpty)
        for word in command { #expect(outcome.output.contains(word)) }
    }

    @Test("help names what there is")
    func helpNames() async throws {
        let top = try await run(["--help"]).output
        for name in ["serve", "migrate", "check-config", "token", "audit", "version"] { #expect(top.contains(name)) }
        let create = try await run(["token", "create", "--help"]).output
        for name in ["--client", "--role", "--expires-in-days"] { #expect(create.contains(name)) }
        let verify = try await run(["audit", "verify", "--help"]).output
        for name in ["--from", "--to"] { #expect(verify.contains(name)) }
    }

    @Test("an unknown option of any command exits 2 and says which", arguments: commands)
    func unknownOption(_ command: [String]) async throws {
        let outcome = try await run(command + ["--frobnicate"], valid)
        #expect(outcome.exit == .exited(code: 2), "\(outcome)")
        #expect(outcome.output.isEmpty)
        #expect(outcome.error.contains("--frobnicate"))
    }

    @Test(
        "other misuse exits 2",
        arguments: [
            ["frobnicate"], ["token", "frobnicate"], ["audit", "frobnicate"], ["token", "create"],
            ["token", "create", "--client", "a"], ["token", "create", "--role", "validator"],
            ["token", "create", "--client", "a", "--role"], ["token", "create", "--client", "a", "--role", "emperor"],
            ["token", "create", "--client", "a", "--role", "admin"],
            ["token", "create", "--client", "a", "--role", "validator", "--expires-in-days", "soon"],
            ["token", "create", "--client", "a", "--role", "validator", "--expires-in-days", "-1"],
            ["token", "revoke"], ["serve", "more"], ["version", "more"], ["audit", "verify", "--from", "x"],
            ["migrate", "more"],
        ])
    func misuse(_ arguments: [String]) async throws {
        let outcome = try await run(arguments, valid)
        #expect(outcome.exit == .exited(code: 2), "\(outcome)")
        #expect(outcome.output.isEmpty)
        #expect(!outcome.error.isEmpty)
    }

    @Test("version prints one line and needs no configuration")
    func version() async throws {
        let outcome = try await run(["version"])
        #expect(outcome.exit.isSuccess)
        #expect(lines(outcome.output).count == 1 && outcome.output.contains(/\d/))
    }

    // MARK: Configuration

    /// Variables that are wrong; the name that must be in the only line.
    static let wrong: [Row<(settings: [String: String?], name: String)>] = [
        Row("an unknown variable", (["TRIVET_FROBNICATE": "1"], "TRIVET_FROBNICATE")),
        Row("a misspelt variable", (["TRIVET_MAX_ARTEFACT_BYTES": "1"], "TRIVET_MAX_ARTEFACT_BYTES")),
        Row("an unknown variable without a value", (["TRIVET_FROBNICATE": ""], "TRIVET_FROBNICATE")),
        Row("an unknown variable's file", (["TRIVET_FROBNICATE_FILE": "/dev/null"], "TRIVET_FROBNICATE")),
        Row("no database", (["TRIVET_DATABASE_URL": nil], "TRIVET_DATABASE_URL")),
        Row("a number that is none", (["TRIVET_MAX_WAL_FILES": "many"], "TRIVET_MAX_WAL_FILES")),
        Row("a number with a unit", (["TRIVET_FETCH_DEADLINE_MS": "5s"], "TRIVET_FETCH_DEADLINE_MS")),
        Row("a negative number", (["TRIVET_MAX_DOCUMENT_BYTES": "-1"], "TRIVET_MAX_DOCUMENT_BYTES")),
        Row("a boolean that is none", (["TRIVET_VERIFY_ARCHIVES": "maybe"], "TRIVET_VERIFY_ARCHIVES")),
        Row("a level that is none", (["TRIVET_LOG_LEVEL": "loud"], "TRIVET_LOG_LEVEL")),
        Row("a format that is none", (["TRIVET_LOG_FORMAT": "xml"], "TRIVET_LOG_FORMAT")),
        Row("a file that is not there", (["TRIVET_POLICY_VERSION_FILE": "/nonexistent/file"], "TRIVET_POLICY_VERSION")),
        Row("a certificate without its key", (["TRIVET_TLS_CERT_FILE": "/etc/hostname"], "TRIVET_TLS_")),
        Row("an address that is none", (["TRIVET_LISTEN": "here"], "TRIVET_LISTEN")),
        Row("a plain listener beyond loopback", (["TRIVET_LISTEN": "0.0.0.0:0"], "TRIVET_LISTEN")),
    ]

    private func settings(_ changes: [String: String?]) -> [String: String] {
        var environment = valid
        for (name, value) in changes { environment[name] = value }
        return environment
    }

    @Test(
        "a wrong configuration stops the start with one line that names it, and exit 78", arguments: wrong,
        ["serve", "check-config"])
    func wrongConfiguration(_ row: Row<(settings: [String: String?], name: String)>, _ command: String) async throws {
        let outcome = try await run([command], settings(row.value.settings))
        #expect(outcome.exit == .exited(code: 78), "\(outcome)")
        let told = lines(outcome.error) + (command == "serve" ? lines(outcome.output) : [])
        #expect(told.filter { $0.contains(row.value.name) }.count == 1, "\(outcome)")
        if command == "serve" { #expect(told.count == 1, "\(outcome)") }
    }

    @Test("check-config has one line for each problem")
    func allProblems() async throws {
        let outcome = try await run(
            ["check-config"],
            settings([
                "TRIVET_A": "1", "TRIVET_B": "1", "TRIVET_MAX_WAL_FILES": "x", "TRIVET_DATABASE_URL": nil,
                "TRIVET_DATABASE_OWNER_URL": nil,
            ]))
        #expect(outcome.exit == .exited(code: 78))
        for name in ["TRIVET_A", "TRIVET_B", "TRIVET_MAX_WAL_FILES", "TRIVET_DATABASE_URL"] {
            #expect(lines(outcome.error).filter { $0.contains(name) }.count == 1, "\(name): \(outcome)")
        }
    }

    @Test("check-config shows what is in force, and no secret")
    func redaction() async throws {
        let outcome = try await run(
            ["check-config"],
            settings([
                "TRIVET_OBJECT_STORE_ROOT": nil, "TRIVET_S3_ENDPOINT": "http://127.0.0.1:9",
                "TRIVET_S3_REGION": "eu-test-7", "TRIVET_S3_ACCESS_KEY_ID": "AKEY",
                "TRIVET_S3_SECRET_ACCESS_KEY": "zebra-of-s3",
                "TRIVET_DATABASE_URL": "postgresql://user:zebra-of-db@127.0.0.1/x",
                "TRIVET_DATABASE_OWNER_URL": "postgresql:///x?user=o&password=zebra-of-owner&host=/tmp",
                "TRIVET_MAX_WAL_FILES": "41",
            ]))
        #expect(outcome.exit == .exited(code: 0), "\(outcome)")
        for value in [
            "eu-test-7", "41", "1048576", "10737418240", "TRIVET_FETCH_STALL_TIMEOUT_MS", "15000",
            "TRIVET_S3_SECRET_ACCESS_KEY",
        ] { #expect(outcome.output.contains(value), "\(value)") }
        #expect(!(outcome.output + outcome.error).contains("zebra"), "\(outcome)")
    }

    @Test("every variable may be given as a file")
    func files() async throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
            "conformance-\(UInt64.random(in: 0 ... .max))")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        var environment: [String: String] = [:]
        for (name, value) in valid.merging(
            ["TRIVET_POLICY_VERSION": "from-a-file", "TRIVET_MAX_WAL_FILES": "7"], uniquingKeysWith: { $1 })
        {
            let file = directory.appendingPathComponent(name)
            try Data("\(value)\n".utf8).write(to: file)
            environment["\(name)_FILE"] = file.path
        }
        let outcome = try await run(["check-config"], environment)
        #expect(outcome.exit == .exited(code: 0), "\(outcome)")
        #expect(outcome.output.contains("from-a-file"))
        #expect(try await run(["migrate"], environment).exit.isSuccess)
    }

    @Test("a plain listener beyond loopback is allowed behind a proxy that does TLS")
    func behindProxy() async throws {
        let outcome = try await run(
            ["check-config"], settings(["TRIVET_LISTEN": "0.0.0.0:8443", "TRIVET_BEHIND_TLS_PROXY": "true"]))
        #expect(outcome.exit == .exited(code: 0), "\(outcome)")
    }

    @Test("TRIVET_ADMIN_LISTEN moves health and metrics to a listener of their own")
    func adminListener() async throws {
        let admin = try SocketAddress(parsing: "127.0.0.1:\(try ServiceUnderTest.freePort())")
        var environment = service.environment
        environment["TRIVET_DATABASE_OWNER_URL"] = nil
        environment["TRIVET_ADMIN_LISTEN"] = admin.description
        let process = try await ServiceUnderTest.start(
            ValidationService.name, environment: environment, awaitReady: false)
        try await Conformance.eventually("ready on the admin listener") {
            try #require(process.exit == nil, "\(process.log)")
            return (try? await TestClient.exchange(admin, "GET", "/readyz").status) == 200
        }
        for path in ["/healthz", "/readyz", "/metrics"] {
            #expect(try await TestClient.exchange(admin, "GET", path).status == 200)
            #expect(try await TestClient.exchange(process.address, "GET", path).status == 404)
        }
        #expect(try await TestClient.exchange(admin, "POST", Page.migration).status == 404)
        let target = Conformance(service: service, address: process.address)
        try await target.migrate(Conformance.config()).expect(200, [])
        #expect(await process.end() == .exited(code: 0))
    }

    // MARK: Schema

    @Test("migrate prints a line for each migration, and nothing is missing the second time")
    func migrate() async throws {
        try await withTestDatabaseURL { url in
            let environment = ["TRIVET_DATABASE_URL": url]
            let first = try await run(["migrate"], environment)
            #expect(first.exit.isSuccess, "\(first)")
            #expect(!lines(first.output).isEmpty)
            let second = try await run(["migrate"], environment)
            #expect(second.exit.isSuccess, "\(second)")
            #expect(lines(second.output).count <= 1)
        }
    }

    // MARK: Tokens

    private func send(_ token: String) async throws -> Int {
        try await service.send("GET", "\(Page.log)?limit=1", token: token).status
    }

    @Test("token create prints the token and nothing else; it works, list shows it without its text, revoke ends it")
    func tokens() async throws {
        let client = "conformance-\(UInt64.random(in: 0 ... .max))"
        let created = try await service.run([
            "token", "create", "--client", client, "--role", "auditor", "--expires-in-days", "1",
        ])
        #expect(created.exit.isSuccess, "\(created)")
        #expect(lines(created.output).count == 1 && !created.output.trimmingCharacters(in: .newlines).contains(" "))
        let token = created.output.trimmingCharacters(in: .newlines)
        #expect(try await send(token) == 200)

        let list = try await service.run(["token", "list"])
        #expect(list.exit.isSuccess)
        #expect(!list.output.contains(token))
        let line = try #require(lines(list.output).first { $0.contains(client) }, "\(list)")
        #expect(line.contains("auditor"))
        #expect(lines(list.output).contains { $0.contains(ValidationService.pipeline) && $0.contains("validator") })

        let id = try #require(line.split(separator: /[ \t|]+/).first).description
        let revoked = try await service.run(["token", "revoke", id])
        #expect(revoked.exit.isSuccess, "\(revoked)")
        let start = MonotonicTime.now()
        try await Conformance.eventually("the token is refused") { try await send(token) == 401 }
        #expect(MonotonicTime.now() - start < .seconds(30))
        #expect(try await send(service.auditorToken) == 200)
    }

    @Test(
        "a token that nobody has cannot be revoked",
        arguments: ["nobody", "550e8400-e29b-41d4-a716-446655440000", "'; DROP TABLE x --"])
    func revokeNobody(_ id: String) async throws {
        let outcome = try await service.run(["token", "revoke", id])
        #expect(!outcome.exit.isSuccess, "\(outcome)")
        #expect(!outcome.error.isEmpty)
    }

    @Test("an expired token is unknown")
    func expired() async throws {
        let client = "expiring-\(UInt64.random(in: 0 ... .max))"
        let created = try await service.run([
            "token", "create", "--client", client, "--role", "auditor", "--expires-in-days", "1",
        ])
        let token = created.output.trimmingCharacters(in: .newlines)
        // Where the service keeps the time is its own affair; that it has one is seen in the catalogue.
        let place = try #require(
            try await service.database.first(
                SQL<String>(
                    text: """
                        SELECT format('UPDATE %s SET %I = now() - interval ''1 second'', %I = now() - interval ''1 day'' WHERE %I::text = ',
                            e.attrelid::regclass, e.attname, b.attname, c.attname)
                        FROM pg_attribute e JOIN pg_attribute c ON c.attrelid = e.attrelid AND c.attname IN ('client', 'client_name', 'name')
                        JOIN pg_attribute b ON b.attrelid = e.attrelid AND b.attname LIKE 'created%'
                        JOIN pg_class t ON t.oid = e.attrelid AND t.relkind = 'r'
                        WHERE e.attname LIKE 'expire%' AND t.relname LIKE '%token%' LIMIT 1
                        """)), "no time of expiry in the database")
        #expect(try await service.database.execute(Command(text: place + "'\(client)'")) == 1)
        #expect(try await send(token) == 401)
        let response = try await service.send("POST", Page.reference, token: token)
        try Verdict(response, scenario: "T2").expect(401, ["AUTH_FAILED"])
    }

    // MARK: Life

    @Test("SIGTERM and SIGINT end the service in order", arguments: [SIGTERM, SIGINT])
    func ends(_ signal: Int32) async throws {
        let process = try await service.startAnother([:])
        #expect(await process.end(with: signal) == .exited(code: 0))
    }
}
