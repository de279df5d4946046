import Encoding
import EventLoop
import Foundation
import Postgres
import TestSupport
import Testing
import ValidationDecisionDomain

@testable import ServiceKit
@testable import ValidationDecision

/// The contract file against the code: what the tests can compare without a running service.
@Suite struct ContractTests {
    let document: OpenAPIDocument

    init() throws { document = try OpenAPIDocument.load() }

    @Test("the route table has nothing that the contract does not have, and the other way round")
    func routesEqualOperations() {
        let routes = Set(ContractTests.routes)
        let operations = Set(document.operations.map(\.description))
        #expect(routes.subtracting(operations).isEmpty, "not in the contract, or otherwise")
        #expect(operations.subtracting(routes).isEmpty, "not in the route table, or otherwise")
        #expect(ContractTests.routes.count == document.operations.count)
    }

    @Test("the contract lists the reason codes that there are, in the order in which they are reported")
    func reasonCodes() throws {
        let codes = try document.schema("ReasonCode")["enum"].elements.compactMap(\.text)
        #expect(codes == ReasonCode.allCases.map(\.rawValue))
        #expect(codes == ReasonCode.allCases.sorted().map(\.rawValue))
    }

    @Test("the contract's words for decisions, scenarios, environments and modes are the domain's")
    func enumerations() throws {
        #expect(try words("Decision") == Decision.allCases.map(\.rawValue))
        #expect(try words("Scenario") == Scenario.allCases.map(\.rawValue))
        #expect(try words("Environment") == DeploymentEnvironment.allCases.map(\.rawValue))
        #expect(try words("SyncMode") == SyncMode.allCases.map(\.rawValue))
    }

    @Test("the filters of the audit log are those of the contract, with the same bounds")
    func auditFilters() throws {
        let operation = try #require(document.operations.first { $0.operationID == "listAuditRecords" })
        #expect(operation.parameters == AuditQuery.names)
        let limit = try document.root.resolved("#/components/parameters/Limit/schema")
        #expect(limit["minimum"]?.int == AuditQuery.limitRange.lowerBound)
        #expect(limit["maximum"]?.int == AuditQuery.limitRange.upperBound)
        #expect(limit["default"]?.int == AuditQuery.limitDefault)
    }

    @Test("every permission that the contract names is one that a role grants")
    func permissions() {
        let granted = Set(ValidationRole.allCases.flatMap { $0.permissions.map { "\($0)" } })
        for operation in document.operations {
            if case .permission(let name) = operation.security { #expect(granted.contains(name)) }
        }
    }

    @Test("the examples reach every reason code that a request can bring about, and every operation")
    func examplesAreComplete() {
        let examples = document.operations.flatMap(\.examples)
        let reached = Set(examples.flatMap(\.expected.reasons))
        // INTERNAL_ERROR needs something broken, which no request can do.
        #expect(reached == Set(ReasonCode.allCases.map(\.rawValue)).subtracting(["INTERNAL_ERROR"]))
        for operation in document.operations {
            #expect(!operation.examples.isEmpty, "\(operation.operationID)")
            #expect(Set(operation.examples.map(\.name)).count == operation.examples.count, "\(operation.operationID)")
        }
        for operation in ["validateMigration", "validateReplication", "validateReplicationReference"] {
            let own = examples.filter { $0.operationID == operation }
            #expect(Set(own.compactMap(\.expected.decision)) == ["ALLOW", "BLOCK"], "\(operation)")
            #expect(Set(own.map(\.expected.status)) == [200, 400, 401, 403], "\(operation)")
        }
    }

    @Test("an example expects only what its operation declares, ALLOW without reasons and BLOCK with some")
    func examplesAreConsistent() {
        for operation in document.operations {
            for example in operation.examples {
                #expect(operation.responses[example.expected.status] != nil, "\(example.testDescription)")
                if let decision = example.expected.decision {
                    #expect((decision == "BLOCK") == !example.expected.reasons.isEmpty, "\(example.testDescription)")
                }
                let ranks = example.expected.reasons.compactMap(ReasonCode.init(rawValue:))
                #expect(ranks.count == example.expected.reasons.count, "\(example.testDescription)")
                #expect(ranks == Set(ranks).sorted(), "\(example.testDescription)")
            }
        }
    }

    @Test("the contract is valid OpenAPI 3.1")
    func isValidOpenAPI() throws {
        #expect(document.root["openapi"]?.text?.hasPrefix("3.1.") == true)
        let validator = Process()
        let output = Pipe()
        validator.executableURL = URL(fileURLWithPath: "/usr/bin/env")
        validator.arguments = ["python3", "-m", "openapi_spec_validator", OpenAPIDocument.file.path]
        validator.standardOutput = output
        validator.standardError = output
        try validator.run()
        let said = String(decoding: try output.fileHandleForReading.readToEnd() ?? Data(), as: UTF8.self)
        validator.waitUntilExit()
        #expect(validator.terminationStatus == 0, "python3 with openapi_spec_validator says: \(said)")
    }

    private func words(_ schema: String) throws -> [String] {
        try document.schema(schema)["enum"].elements.compactMap(\.text)
    }

    /// The service's own and those of every service. Built on a database that nobody connects to.
    private static let routes: [RouteDescription] = {
        let loops = TestLoops.group
        let database = Database(DatabaseConfiguration(url: "postgres://127.0.0.1/none"), loops: loops)
        let audit = AuditStore(database: database)
        let metrics = Metrics(loops: loops)
        let logger = Logger(level: .error, format: .json, sink: LogSink(descriptor: 2), loops: nil)
        let envelope = DecisionEnvelope(
            PerLoop(loops) { AuditWriter(audit, on: $0) }, policyVersion: .builtIn, logger: logger,
            decisions: DecisionMetrics(metrics))
        let limits = ArtifactLimits(documentBytes: 1, artifactBytes: 1, walFiles: 1, verifiesArchives: false)
        let api = ValidationAPI(
            limits: limits, envelope: envelope, audit: audit, judge: JudgeReference(store: nil, limits: limits))
        let health = HealthEndpoints(Readiness(database, [], conditions: []), metrics)
        return (api.routes + health.routes()).map(\.description)
    }()
}
