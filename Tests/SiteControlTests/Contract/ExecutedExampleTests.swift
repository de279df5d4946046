import Encoding
import Foundation
import Postgres
import SiteControlDomain
import TestSupport
import Testing

/// Sends the example request of every operation of the contract, each to a site of its own.
@Suite struct ExecutedExampleTests {
    let contract: SiteContract

    init() throws { contract = try SiteContract.shared.get() }

    @Test(
        "the example of an operation is answered as the contract says; where a job does the work, one job of its type is left",
        arguments: OperationMatrix.served.map(\.operationID))
    func answered(_ operationID: String) async throws {
        let operation = try #require(OperationMatrix.operation(operationID))
        guard ["changeSettings", "login", "logout"].contains(operationID) else {
            return try await check(operation, on: try await Panel.shared())
        }
        // Settings are everyone's, and other tests count sessions.
        try await Panel.run(["TRIVET_WORKERS": "0"]) { try await check(operation, on: $0) }
    }

    @Test("the events of a run that fails once and then succeeds are those that the contract declares, numbered from 1")
    func eventsOfRuns() async throws {
        try await Panel.run(Panel.fastJobs) { panel in
            let site = try await panel.seed()
            try panel.playbooks.script(#"{"match": {"attempt": 1}, "exit": 2, "output": ["one line"]}"#)
            let job = try await panel.accept(
                "POST", "/api/environments/\(site.production)/backups", #"{"backup_scope": "full"}"#)
            #expect(try await panel.ended(job)["status"]?.string == "succeeded")
            let answer = try await panel.send("GET", "/api/jobs/\(job)/events")
            #expect(answer.status == 200)
            for kind in ["state", "progress", "output"] { #expect(answer.text.contains("event: \(kind)\n"), "\(kind)") }
            #expect(answer.text.contains("id: 1\n"))
            let entry = try contract.entry("followJob")
            let problems = try contract.problems(ofEvents: answer.text, of: entry)
            #expect(problems.isEmpty)
        }
    }

    private func check(_ operation: SiteControlDomain.Operation, on panel: Panel) async throws {
        let entry = try contract.entry(operation.operationID)
        let world = try await ExampleWorld(panel, for: operation)
        let body = entry.node["requestBody"]?["content"]?["application/json"]?["example"]?.json
        let target = operation.path.replacing("{id}", with: world.id)
        let before = try await panel.count(world.jobs)

        let answer = try await panel.send(
            operation.method, target, as: world.caller, body.map { String(decoding: world.adapted($0).encoded, as: UTF8.self) })

        #expect(answer.status == operation.successStatus, "\(answer.status) \(answer.text)")
        let problems = try contract.problems(of: answer.response, to: operation.method, target)
        #expect(problems.isEmpty, "\(answer.text)")
        guard case .async(let type) = operation.model else {
            // Nothing that is not asynchronous makes a job, a node query least of all.
            return #expect(try await panel.count(world.jobs) == before)
        }
        let id = try #require(answer.json["job_id"]?.string)
        if operation.operationID != "createSite" { #expect(try await panel.count(world.jobs) == before + 1) }
        let row = try await panel.row("SELECT job_type, status FROM jobs WHERE id = '\(id)'")
        #expect(row["job_type"]?.string == type.rawValue)
        #expect(row["status"]?.string == "queued")
        // What it is traced to is what it says in the log.
        let audited = try await panel.row("SELECT action, result FROM audit_logs WHERE job_id = '\(id)'")
        #expect(audited["action"]?.string == type.rawValue)
        #expect(audited["result"]?.string == "accepted")
    }
}

/// What an example needs to find: a site, and whatever its operation is about.
private struct ExampleWorld {
    let id: String
    /// Those that the operation could add to.
    let jobs: String
    var caller = Caller.administrator
    /// Values of the example that stand for something of this world.
    private var values: [String: String] = [:]

    init(_ panel: Panel, for operation: SiteControlDomain.Operation) async throws {
        let site = try await panel.seed()
        switch operation.operationID {
        case "login":
            caller = .nobody
            values = ["email": Panel.email, "password": Panel.password]
        case "logout": caller = .cookie(try await panel.logIn())
        case "createSite", "createEnvironment": values = ["slug": "s\(SeededSite.newID())"]
        case "addDomain": values = ["hostname": "www.\(SeededSite.newID()).example"]
        case "restoreEnvironment": values = ["backup_id": try await panel.seedBackup(site.production)]
        case "promoteEnvironment":
            values = ["target_environment_id": site.production]
            try await panel.seedDrift(site.staging, "clean")
            try await panel.seedBackup(site.production)
        default: break
        }
        switch operation.path.split(separator: "/").dropFirst().first {
        case "sites"?:
            if operation.operationID == "resetSite" { try await panel.fail(site: site.site) }
            id = site.site
        case "environments"?:
            if operation.operationID == "resetEnvironment" { try await panel.fail(environment: site.staging) }
            let isAboutStaging = ["checkDrift", "promoteEnvironment", "resetEnvironment"].contains(operation.operationID)
            id = isAboutStaging ? site.staging : site.production
        case "domains"?: id = try await panel.seedDomain(site.production, "old.\(SeededSite.newID()).example")
        case "jobs"? where operation.operationID == "followJob":
            // One that has a story, and an end.
            id = try await panel.accept("POST", "/api/environments/\(site.production)/cache/purge")
            _ = try await panel.send("POST", "/api/jobs/\(id)/cancel")
        case "jobs"?:
            let status = operation.operationID == "cancelJob" ? "queued" : "succeeded"
            id = try await panel.seedJob("cache_purge", site: site.site, environment: site.production, status: status)
        case "nodes"?: id = try await panel.seedNode()
        default: id = ""
        }
        jobs = operation.path.contains("/nodes/") ? "jobs WHERE node_id = '\(id)'" : "jobs WHERE site_id = '\(site.site)'"
    }

    /// The example with the values of this world in place of its own.
    func adapted(_ example: JSONValue) -> JSONValue {
        guard case .object(var object) = example else { return example }
        for (key, value) in values { object[key] = .string(value) }
        return .object(object)
    }
}

extension Panel {
    fileprivate func fail(site: String) async throws {
        try await execute(
            "UPDATE sites SET status = 'deploying' WHERE id = '\(site)'",
            "UPDATE sites SET status = 'failed' WHERE id = '\(site)'")
    }

    fileprivate func fail(environment: String) async throws {
        try await execute(
            "UPDATE environments SET status = 'deploying' WHERE id = '\(environment)'",
            "UPDATE environments SET status = 'failed' WHERE id = '\(environment)'")
    }
}

extension JSONValue {
    fileprivate var encoded: [UInt8] {
        var json = JSONWriter()
        json.value(self)
        return json.finish()
    }
}
