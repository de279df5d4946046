import DeploymentControlDomain
import Encoding
import Foundation
import HTTP
import Postgres
import TestSupport
import Testing

@testable import DeploymentControl
@testable import ServiceKit

/// `contracts/deployment-control.openapi.yaml` against the code, both ways.
@Suite struct ContractTests {
    private let root: YAMLNode

    init() throws { root = try ContractCheck.shared.get().root }

    @Test("the route table has nothing that the contract does not have, and the other way round")
    func routes() async throws {
        let routes = try await Self.routes()
        let operations = try operations()
        #expect(Set(routes).subtracting(operations).isEmpty, "not in the contract, or otherwise")
        #expect(Set(operations).subtracting(routes).isEmpty, "not in the route table, or otherwise")
        #expect(routes.count == operations.count)
    }

    @Test("every code is in the contract, under the answers of its status")
    func codes() throws {
        #expect(words("ErrorCode") == ErrorCode.allCases.map(\.rawValue))
        var byStatus: [Int: Set<String>] = [:]
        for (_, methods) in entries(root["paths"]) {
            for (_, operation) in entries(methods) {
                for (status, reference) in entries(operation["responses"]) {
                    guard let name = reference["$ref"]?.text?.split(separator: "/").last else { continue }
                    let codes = root["components"]?["responses"]?[String(name)]?["x-codes"]?.sequence?.compactMap(\.text) ?? []
                    byStatus[Int(status) ?? 0, default: []].formUnion(codes)
                }
            }
        }
        for code in ErrorCode.allCases where code != .methodNotAllowed {
            #expect(byStatus[code.status.code]?.contains(code.rawValue) == true, "\(code.rawValue)")
        }
    }

    @Test("the contract's words are the domain's")
    func enumerations() throws {
        #expect(words("DeploymentState") == DeploymentState.allCases.map(\.rawValue))
        #expect(words("FailureCategory") == FailureCategory.allCases.map(\.rawValue))
        #expect(words("AuditOutcome") == AuditEvent.Outcome.allCases.map(\.rawValue))
        #expect(words(of: schema("DeploymentRecord")?["properties"]?["deploymentKind"]) == DeploymentKind.allCases.map(\.rawValue))
        #expect(words(of: schema("TimelineEvent")?["properties"]?["key"]) == TimelineEvent.Key.allCases.map(\.rawValue))
        #expect(words(of: schema("Caller")?["properties"]?["role"]) == DeploymentRole.allCases.map(\.rawValue))
        #expect(
            words(of: schema("Caller")?["properties"]?["permissions"]?["items"])
                == DeploymentRole.Permission.allCases.map(\.rawValue))
        let granted = Set(DeploymentRole.allCases.flatMap { $0.permissions.map { "\($0)" } })
        for operation in try operations() {
            if case .permission(let name) = operation.security { #expect(granted.contains(name)) }
        }
    }

    @Test("the contract is valid OpenAPI 3.1")
    func isValid() throws {
        #expect(root["openapi"]?.text?.hasPrefix("3.1.") == true)
        let validator = Process()
        let output = Pipe()
        validator.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        validator.arguments = ["python3", "-m", "openapi_spec_validator", ContractCheck.file.path]
        validator.standardOutput = output
        validator.standardError = output
        try validator.run()
        let said = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        validator.waitUntilExit()
        #expect(validator.terminationStatus == 0, "python3 with openapi_spec_validator says: \(said)")
    }

    // MARK: Reading

    /// The service's own and those of every service, on a database that nobody connects to.
    private static func routes() async throws -> [RouteDescription] {
        let loops = TestLoops.group
        let definition = DeploymentControlService.definition
        let configuration = try ConfigurationLoader(environment: ["TRIVET_DATABASE_URL": "postgres://127.0.0.1/none"])
            .load(definition.schema)
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

    private func operations() throws -> [RouteDescription] {
        try entries(root["paths"]).flatMap { path, methods in
            try entries(methods).map { method, operation in
                let isOpen = operation["security"]?.sequence?.isEmpty == true
                let permission = operation["x-permission"]?.text
                return RouteDescription(
                    method: method.uppercased(), pattern: path,
                    operationID: try #require(operation["operationId"]?.text),
                    security: isOpen ? .open : permission.map { .permission($0) } ?? .authenticated,
                    statuses: entries(operation["responses"]).compactMap { Int($0.0) }.sorted())
            }
        }
    }

    private func schema(_ name: String) -> YAMLNode? { root["components"]?["schemas"]?[name] }

    private func words(_ name: String) -> [String] { words(of: schema(name)) }

    private func words(of node: YAMLNode?) -> [String] { node?["enum"]?.sequence?.compactMap(\.text) ?? [] }

    private func entries(_ node: YAMLNode?) -> [(String, YAMLNode)] {
        node?.mapping?.entries.map { ($0.key.text, $0.value) } ?? []
    }
}
