import Encoding
import EventLoop
import Foundation
import HTTP
import Locking
import Postgres
import SiteControlDomain
import TestSupport
import Testing

@testable import ServiceKit
@testable import SiteControl

/// The OpenAPI files against the code, both ways.
@Suite struct ContractTests {
    let contract: SiteContract

    init() throws { contract = try SiteContract.shared.get() }

    @Test("the route table has nothing that the contract does not have, and the other way round")
    func routes() async throws {
        let routes = try await Self.routes()
        let operations = contract.entries.map(\.description)
        #expect(Self.lines(routes).subtracting(Self.lines(operations)).isEmpty, "not in the contract, or otherwise")
        #expect(Self.lines(operations).subtracting(Self.lines(routes)).isEmpty, "not in the route table, or otherwise")
        #expect(routes.count == operations.count)
    }

    @Test("what is below /api is in the public file, what is not in the other one")
    func files() {
        #expect(contract.api.base == "/api")
        #expect(contract.admin.base.isEmpty)
        for entry in contract.entries {
            #expect(entry.description.pattern.hasPrefix("/api/") == (entry.document.base == "/api"), "\(entry.operationID)")
        }
    }

    @Test("every code is in the contract, under answers of its status alone")
    func codes() throws {
        for document in contract.documents {
            #expect(document.schema("ErrorCode")?.words == ErrorCode.allCases.map(\.rawValue), "\(document.file.path)")
        }
        var statuses: [String: Set<Int>] = [:]
        for document in contract.documents {
            let ofOperations = document.root["paths"].entries.flatMap { $0.value.mapping?.entries.map(\.value) ?? [] }
            let declared = ofOperations.flatMap { $0["responses"].entries } + document.root["x-responses-to-any-request"].entries
            for (status, response) in declared {
                for code in try response.dereferenced(in: document.root)["x-codes"]?.sequence?.compactMap(\.text) ?? [] {
                    statuses[code, default: []].insert(Int(status) ?? 0)
                }
            }
        }
        for code in ErrorCode.allCases {
            let declared = statuses.removeValue(forKey: code.rawValue) ?? []
            // A request that is none has the status that HTTP gives it, and this code.
            if code == .badRequest {
                #expect(declared.contains(400))
            } else {
                #expect(declared == [code.status.code], "\(code.rawValue)")
            }
        }
        #expect(statuses.isEmpty, "codes that the service does not know")
    }

    @Test("the contract's words are the domain's")
    func enumerations() {
        func same<Word: RawRepresentable & CaseIterable>(_ name: String, _ type: Word.Type) where Word.RawValue == String {
            #expect(contract.words(name) == type.allCases.map(\.rawValue), "\(name)")
        }
        same("LifecycleStatus", LifecycleStatus.self)
        same("JobStatus", JobStatus.self)
        same("BackupStatus", BackupStatus.self)
        same("TlsStatus", TLSStatus.self)
        same("DriftStatus", DriftStatus.self)
        same("NodeStatus", NodeStatus.self)
        same("JobType", JobType.self)
        same("JobErrorCode", JobErrorCode.self)
        same("EnvironmentType", EnvironmentType.self)
        same("PromotionPreset", PromotionPreset.self)
        same("BackupScope", BackupScope.self)
        same("SourceType", SourceType.self)
        same("UpdateScope", UpdateScope.self)
        same("ConflictReason", ConflictReason.self)
        let permissions = Set(SiteRole.allCases.flatMap { $0.permissions.map { "\($0)" } })
        for entry in contract.entries {
            if case .permission(let name) = entry.description.security { #expect(permissions.contains(name)) }
        }
    }

    @Test("what the schema allows in a column is what the contract says", arguments: SchemaWords.all)
    func checks(_ expected: SchemaWords) async throws {
        let found = try await SchemaWords.inPostgres.value[expected.column]
        #expect(found == Set(contract.words(expected.schema)), "\(expected.column)")
    }

    @Test("both files are valid OpenAPI 3.1")
    func isValid() throws {
        for document in contract.documents {
            #expect(document.root["openapi"]?.text?.hasPrefix("3.1.") == true)
            let (status, said) = try Python.run(["-m", "openapi_spec_validator", document.file.path])
            #expect(status == 0, "python3 with openapi_spec_validator says: \(said)")
        }
    }

    private static func lines(_ routes: [RouteDescription]) -> Set<String> {
        Set(routes.map { "\($0.operationID) \($0.method) \($0.pattern) \($0.security) \($0.statuses)" })
    }

    /// The service's own and those of every service, on a database that nobody connects to.
    private static func routes() async throws -> [RouteDescription] {
        let loops = TestLoops.group
        let definition = SiteControlService.definition
        let secrets = FileManager.default.temporaryDirectory.appendingPathComponent("contract-\(Foundation.UUID().uuidString)")
        defer { try? FileManager.default.removeItem(at: secrets) }
        try FileManager.default.createDirectory(
            at: secrets, withIntermediateDirectories: true, attributes: [.posixPermissions: 0o700])
        let configuration = try ConfigurationLoader(environment: [
            "TRIVET_DATABASE_URL": "postgres://127.0.0.1/none", "TRIVET_SECRETS_DIRECTORY": secrets.path, "TRIVET_WORKERS": "0",
        ]).load(definition.schema)
        let database = Database(DatabaseConfiguration(url: "postgres://127.0.0.1/none"), loops: loops)
        let metrics = Metrics(loops: loops)
        let runtime = ServiceRuntime(
            configuration: configuration, loops: loops, database: database,
            logger: Logger(level: .error, format: .json, sink: LogSink(descriptor: 2), loops: nil), metrics: metrics,
            publicURL: "http://localhost")
        let application = try await definition.build(runtime)
        let health = HealthEndpoints(Readiness(database, [], conditions: []), metrics)
        return (application.routes + health.routes()).map(\.description)
    }
}

/// The words that a CHECK of the schema allows in a column.
struct SchemaWords: Sendable, CustomTestStringConvertible {
    /// With its table.
    let column: String
    /// Of the contract.
    let schema: String

    var testDescription: String { column }

    static let all = [
        SchemaWords(column: "sites.status", schema: "LifecycleStatus"),
        SchemaWords(column: "environments.status", schema: "LifecycleStatus"),
        SchemaWords(column: "environments.environment_type", schema: "EnvironmentType"),
        SchemaWords(column: "environments.promotion_preset", schema: "PromotionPreset"),
        SchemaWords(column: "environments.drift_status", schema: "DriftStatus"),
        SchemaWords(column: "releases.source_type", schema: "SourceType"),
        SchemaWords(column: "backups.backup_scope", schema: "BackupScope"),
        SchemaWords(column: "backups.status", schema: "BackupStatus"),
        SchemaWords(column: "domains.tls_status", schema: "TlsStatus"),
        SchemaWords(column: "drift_checks.promotion_preset", schema: "PromotionPreset"),
        SchemaWords(column: "drift_checks.status", schema: "DriftStatus"),
        SchemaWords(column: "jobs.job_type", schema: "JobType"),
        SchemaWords(column: "jobs.status", schema: "JobStatus"),
        SchemaWords(column: "nodes.status", schema: "NodeStatus"),
        SchemaWords(column: "audit_logs.resource_type", schema: "AuditResourceType"),
        SchemaWords(column: "audit_logs.result", schema: "AuditResult"),
    ]

    /// By column, as PostgreSQL has them once every migration is applied. Read once.
    static let inPostgres = Task {
        let words = Locked<[String: Set<String>]>([:])
        try await withTestDatabase { database in
            _ = try await Migrator(database, migrations: SiteControlService.definition.migrations).migrate()
            let rows = try await database.query(
                """
                SELECT conrelid::regclass::text, pg_get_constraintdef(oid) FROM pg_constraint
                WHERE contype = 'c' AND connamespace = 'public'::regnamespace
                """ as SQL<Columns<String, String>>)
            for row in rows {
                // CHECK ((status = ANY (ARRAY['active'::text, …]))), and nothing beside it.
                let (table, text) = row.values
                guard let found = text.wholeMatch(of: /CHECK \(\((\w+) = ANY \(ARRAY\[([^\]]*)\]\)\)\)/) else { continue }
                let list = Set(found.2.matches(of: /'([^']*)'/).map { String($0.1) })
                words.withLock { $0["\(table).\(found.1)"] = list }
            }
        }
        return words.withLock { $0 }
    }
}

/// Runs a Python program.
enum Python {
    static func run(_ arguments: [String]) throws -> (status: Int32, said: String) {
        let process = Process()
        let output = Pipe()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        process.arguments = ["python3"] + arguments
        process.standardOutput = output
        process.standardError = output
        try process.run()
        let said = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        process.waitUntilExit()
        return (process.terminationStatus, said)
    }
}
