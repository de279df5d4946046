import Encoding
import EventLoop
import Foundation
import Glibc
import Postgres
import TestSupport
import Testing

/// One lock, one effect for each key: whatever is sent at once, killed or restarted.
@Suite struct RaceTests {
    private static let settings = ControlService.wideLimits.merging(ControlService.fastPolling) { $1 }

    @Test("of 200 deployments sent at once to two instances, one is started and 199 are refused")
    func oneOfTwoHundred() async throws {
        try await ControlService.run(Self.settings, instances: 2) { service in
            let instances = service.instances
            let codes = try await withThrowingTaskGroup(of: String.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let response = try await service.deploy(key: "k\(number)", to: instances[number % 2])
                        return response.status == 201 ? "201" : response.code ?? "\(response.status)"
                    }
                }
                return try await group.reduce(into: [:]) { $0[$1, default: 0] += 1 }
            }
            #expect(codes == ["201": 1, "DEPLOYMENT_LOCKED": 199])
            #expect(try await service.gate.startedCount() == 1)
            #expect(try await service.count("SELECT count(*)::bigint FROM deployment") == 1)
            #expect(try await service.count("SELECT sum(used)::bigint FROM daily_counter") == 1)
            #expect(try await service.count("SELECT count(*)::bigint FROM idempotency_key") == 1)
        }
    }

    @Test("one key sent 1,000 times over 50 connections makes one deployment and one answer")
    func oneKeyAThousandTimes() async throws {
        try await ControlService.run(Self.settings, instances: 2) { service in
            let instances = service.instances
            let token = service.tokens["deployer"] ?? ""
            let answers = try await withThrowingTaskGroup(of: [TestResponse].self) { group in
                for number in 0..<50 {
                    let address = instances[number % 2].address
                    group.addTask {
                        try await TestLoops.run {
                            let client = try await TestClient.connect(to: address)
                            defer { client.close() }
                            var answers: [TestResponse] = []
                            for _ in 0..<20 {
                                let fields = [
                                    "Authorization": "Bearer \(token)", "Idempotency-Key": "same",
                                    "Content-Type": "application/json",
                                ]
                                answers.append(
                                    try await client.exchange(
                                        "POST", "/v1/deployments", fields: fields, body: Array(ControlService.intent().utf8)))
                            }
                            return answers
                        }
                    }
                }
                return try await group.reduce(into: []) { $0 += $1 }
            }
            let created = answers.filter { $0.status == 201 }
            #expect(Set(created.map(\.body)).count == 1)
            #expect(created.filter { $0.field("idempotency-replayed") == "false" }.count == 1)
            #expect(answers.allSatisfy { $0.status == 201 || $0.code == "IDEMPOTENCY_IN_PROGRESS" })
            #expect(try await service.gate.startedCount() == 1)
            #expect(try await service.count("SELECT count(*)::bigint FROM deployment") == 1)
        }
    }

    /// What the double does when the start arrives; whether an execution results.
    @Test("an instance that is killed between reservation and answer leaves one deployment or none", arguments: [
        ("hold", "", true), ("hold", #""execute": false"#, false),
    ])
    func killedWhileStarting(_ kind: String, _ fields: String, starts: Bool) async throws {
        try await ControlService.run(Self.settings, instances: 2) { service in
            let (first, second) = (service.instances[0], service.instances[1])
            try await service.gate.fault("start", kind, fields)
            let lost = Task { try? await service.deploy(key: "k", to: first) }
            try await service.gate.awaitRequests("start")
            await first.end(with: SIGKILL)
            #expect(await lost.value == nil)
            #expect(try await service.deploy(key: "other", to: second).code == "DEPLOYMENT_LOCKED")
            #expect(try await service.deploy(key: "k", to: second).code == "IDEMPOTENCY_IN_PROGRESS")
            let answer = try await eventually {
                let response = try await service.deploy(key: "k", to: second)
                return response.code == "IDEMPOTENCY_IN_PROGRESS" ? nil : response
            }
            #expect(answer.status == 201, "\(answer.text)")
            #expect(answer.field("idempotency-replayed") == (starts ? "true" : "false"))
            #expect(try await service.gate.startedCount() == 1)
            #expect(try await service.count("SELECT sum(used)::bigint FROM daily_counter") == 1)
            let execution = try #require(try answer.json["spinnakerExecutionId"]?.string)
            try await service.gate.change(execution, #"{"status": "SUCCEEDED"}"#)
            _ = try await eventually {
                try await service.count("SELECT count(*)::bigint FROM deployment WHERE state = 'SUCCEEDED'") == 1 ? true : nil
            }
        }
    }

    @Test("instances that are killed at any moment under load leave at most one in flight, and every unit accounted for", arguments: 0..<2)
    func killedAtAnyMoment(seed: UInt64) async throws {
        print("seed \(seed)")
        try await ControlService.run(Self.settings) { service in
            try await service.gate.script(#"[[150, "SUCCEEDED"]]"#, always: true)
            var random = SeededRandom(seed)
            for round in 0..<4 {
                let instance = round == 0 ? service.process : try await service.startInstance()
                let load = Task {
                    try await withThrowingTaskGroup(of: Void.self) { group in
                        for number in 0..<4 {
                            group.addTask {
                                var attempt = 0
                                while !Task.isCancelled {
                                    attempt += 1
                                    let key = "\(round)-\(number)-\(attempt)"
                                    guard (try? await service.deploy(key: key, to: instance)) != nil else { return }
                                }
                            }
                        }
                        try await group.waitForAll()
                    }
                }
                let starts = try await service.gate.startedCount()
                let wanted = Int.random(in: 1...3, using: &random)
                _ = try await eventually { try await service.gate.startedCount() >= starts + wanted ? true : nil }
                await instance.end(with: SIGKILL)
                load.cancel()
                _ = try? await load.value
            }
            _ = try await service.startInstance()
            _ = try await eventually {
                let held = try await service.count(
                    "SELECT count(*)::bigint FROM deployment WHERE state IN ('PENDING', 'ACTIVE')")
                return held == 0 ? true : nil
            }
            // Every execution has its record, every record its unit and its answer, and none has two.
            let started = try await service.gate.startedCount()
            #expect(try await service.count("SELECT count(*)::bigint FROM deployment WHERE state = 'SUCCEEDED'") == started)
            #expect(try await service.count("SELECT count(*)::bigint FROM deployment") == started)
            #expect(try await service.count("SELECT sum(used)::bigint FROM daily_counter") == started)
            #expect(try await service.count("SELECT count(*)::bigint FROM idempotency_key WHERE status = 201") == started)
            #expect(try await service.count("SELECT count(*)::bigint FROM idempotency_key WHERE status IS NULL") == 0)
            #expect(try await service.count(
                "SELECT count(*)::bigint FROM audit_event WHERE action = 'DEPLOY_SUBMIT'") == started)
        }
    }

    @Test("SIGTERM lets a deployment that is being started be answered")
    func terminates() async throws {
        try await ControlService.run(Self.settings) { service in
            try await service.gate.fault("start", "hold")
            let answer = Task { try await service.deploy() }
            try await service.gate.awaitRequests("start")
            service.process.signal(SIGTERM)
            // Draining: it takes nothing new any more.
            _ = try await eventually { (try? await service.send("GET", "/v1/health", as: nil)) == nil ? true : nil }
            try await service.gate.release()
            #expect(try await answer.value.status == 201)
            let exit = try await eventually { service.process.exit }
            #expect(exit.isSuccess)
        }
    }

    @Test("a client that leaves while its deployment is started stops nothing")
    func clientLeaves() async throws {
        try await ControlService.run(Self.settings) { service in
            try await service.gate.fault("start", "hold")
            let (token, address) = (service.tokens["deployer"] ?? "", service.process.address)
            try await TestLoops.run {
                let client = try await TestClient.connect(to: address)
                let fields = ["Authorization": "Bearer \(token)", "Idempotency-Key": "k"]
                try await client.send(
                    TestClient.encode("POST", "/v1/deployments", fields: fields, body: Array(ControlService.intent().utf8)))
                try await service.gate.awaitRequests("start")
                client.close()
            }
            try await service.gate.release()
            let answer = try await eventually {
                let response = try await service.deploy(key: "k")
                return response.status == 409 ? nil : response
            }
            #expect(answer.status == 201)
            #expect(answer.field("idempotency-replayed") == "true")
            #expect(try await service.gate.requests("search").isEmpty)
        }
    }
}
