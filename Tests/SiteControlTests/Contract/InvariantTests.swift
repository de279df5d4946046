import Encoding
import EventLoop
import Foundation
import SiteControlDomain
import TestSupport
import Testing

@testable import ServiceKit
@testable import SiteControl

/// The four invariants of the traceability matrix, held against code, contract, traceability page and playbooks.
@Suite struct InvariantTests {
    let contract: SiteContract
    let traceability: Traceability

    init() throws {
        contract = try SiteContract.shared.get()
        traceability = try Traceability.shared.get()
    }

    @Test("I1: an asynchronous operation has exactly one job type, and a synchronous one has none")
    func asyncHasOneJobType() throws {
        var used: [String: String] = [:]
        for operation in OperationMatrix.served {
            let row = try #require(traceability.served.first { $0.operation == operation.operationID })
            let statuses = try contract.entry(operation.operationID).description.statuses.filter { $0 < 300 }
            switch operation.model {
            case .async(let type):
                #expect(row.model == "async")
                #expect(row.jobType == type.rawValue, "\(operation.operationID)")
                #expect(statuses == [202], "\(operation.operationID)")
                #expect(used.updateValue(operation.operationID, forKey: type.rawValue) == nil, "\(type) has two operations")
                let accepted = try contract.entry(operation.operationID).node["responses"]?["202"]?["$ref"]?.text
                #expect(accepted == "#/components/responses/Accepted", "\(operation.operationID)")
            case .sync, .nodeQuery:
                #expect(row.model == (operation.model == .nodeQuery ? "node_query" : "sync"))
                #expect(row.jobType == nil, "\(operation.operationID)")
                #expect(statuses.first == 200 && !statuses.contains(202), "\(operation.operationID)")
            }
        }
        #expect(traceability.operations.filter { $0.model == "async" }.count == 13)
        #expect(traceability.operations.filter { $0.model != "async" }.count == 12)
    }

    @Test("I2: an operation that asks a node is listed and justified, and no other handler can ask one")
    func nodeQueriesAreJustified() throws {
        let rows = traceability.served.filter { $0.model == "node_query" }
        #expect(rows.map(\.operation) == OperationMatrix.served.filter { $0.model == .nodeQuery }.map(\.operationID))
        for row in rows { #expect((row.justification ?? "").count > 100, "\(row.operation) is not justified") }
        for row in traceability.served where row.model != "node_query" { #expect(row.justification == nil) }
        #expect(try NodeQueryUsers.operations() == Set(rows.map(\.operation)))
        // ssh itself is known where nodes are asked and where playbooks run, and nowhere else.
        #expect(try NodeQueryUsers.folders(naming: /\bSSHCommand\b/) == ["Nodes", "Runner"])
    }

    @Test("I3: an operation of the matrix, the contract and the code has one owning feature with a page that names it")
    func everyOperationHasAnOwner() throws {
        let process = Set(traceability.process)
        let declared = contract.entries.filter { !process.contains($0.operationID) }
        #expect(Set(declared.map(\.operationID)) == Set(traceability.served.map(\.operation)))
        #expect(Set(contract.entries.map(\.operationID)).isSuperset(of: process))
        #expect(traceability.operations.map(\.operation) == OperationMatrix.all.map(\.operationID))
        #expect(traceability.beyond.map(\.operation) == OperationMatrix.beyond.map(\.operationID))
        #expect(Set(traceability.served.map(\.operation)).count == traceability.served.count)
        for operation in OperationMatrix.served {
            let row = try #require(traceability.served.first { $0.operation == operation.operationID })
            let entry = try contract.entry(operation.operationID).description
            #expect((row.method, row.path) == (operation.method, operation.path))
            #expect((entry.method, entry.pattern) == (operation.method, operation.path))
            #expect(row.feature == operation.feature.rawValue)
            #expect(row.surface == operation.surface)
            let page = try traceability.page(row.feature).section("Operations")
            #expect(page.contains("| `\(row.operation)` | `\(row.method) \(row.path)` |"), "\(row.operation) on its page")
        }
    }

    @Test("I4: a job type has an owning feature and a playbook, the internal ones included")
    func everyJobTypeHasAnOwner() async throws {
        let registry = Set(JobType.allCases.map(\.rawValue))
        #expect(registry.count == 17)
        #expect(Set(traceability.jobs.map(\.type)) == registry)
        #expect(traceability.jobs.count == registry.count)
        #expect(Set(contract.words("JobType")) == registry)
        #expect(try await SchemaWords.inPostgres.value["jobs.job_type"] == registry)
        #expect(try Self.playbooks() == Set(traceability.jobs.map(\.playbook)))

        let exposed = Set(traceability.operations.compactMap(\.jobType))
        for type in JobType.allCases {
            let job = try #require(traceability.jobs.first { $0.type == type.rawValue })
            let definition = type.definition
            #expect(job.feature == definition.feature.rawValue, "\(type)")
            #expect(job.playbook == definition.playbook, "\(type)")
            #expect(job.playbook == type.rawValue.replacing("_", with: "-") + ".yml")
            #expect((job.access == "exposed") == definition.isExposed, "\(type)")
            #expect(exposed.contains(type.rawValue) == definition.isExposed, "\(type)")
            #expect((job.startedBy == nil) == definition.isExposed, "\(type): who starts what no operation starts")
            let page = try traceability.page(job.feature).section("Job types")
            #expect(page.contains("`\(job.type)`, playbook `\(job.playbook)`, \(job.access)"), "\(type) on its page")
        }
    }

    @Test("I4: where jobs are run nothing starts without the playbook of each type, and what is missing is named")
    func startNeedsEveryPlaybook() async throws {
        try await Panel.run(["TRIVET_WORKERS": "0"]) { panel in
            let folder = panel.directory.appendingPathComponent("ansible")
            try FileManager.default.copyItem(at: SiteContract.root.appendingPathComponent("deploy/ansible"), to: folder)
            try FileManager.default.removeItem(at: folder.appendingPathComponent("playbooks/release-rollback.yml"))
            let lacking = ["TRIVET_ANSIBLE_DIRECTORY": folder.path]
            let refused = try await panel.startInstance(
                lacking.merging(["TRIVET_WORKERS": "1"]) { $1 }, awaitReady: false)
            let exit = try await panel.eventually { refused.exit }
            #expect(!exit.isSuccess)
            #expect(refused.log.contains("release-rollback.yml"), "\(refused.log)")
            // The API alone needs none.
            try await panel.startInstance(lacking)
        }
    }

    /// File names in `deploy/ansible/playbooks`.
    private static func playbooks() throws -> Set<String> {
        let folder = SiteContract.root.appendingPathComponent("deploy/ansible/playbooks")
        return Set(try FileManager.default.contentsOfDirectory(atPath: folder.path).filter { $0.hasSuffix(".yml") })
    }
}
