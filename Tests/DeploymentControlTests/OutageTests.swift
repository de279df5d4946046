import Encoding
import EventLoop
import Foundation
import Locking
import Postgres
import TestSupport
import Testing

@Suite struct OutageTests {
    @Test("PostgreSQL that is killed and started again under load loses no answered deployment and doubles none")
    func databaseRestarts() async throws {
        let server = try await PostgresServer.start()
        defer { server.remove() }
        let settings = ControlService.wideLimits.merging(ControlService.fastPolling) { $1 }
        try await ControlService.run(settings, instances: 2, on: server) { service in
            try await service.gate.script(#"[[50, "SUCCEEDED"]]"#, always: true)
            let instances = service.instances
            let answered = Locked<[String: [UInt8]]>([:])
            let load = Task {
                await withTaskGroup(of: Void.self) { group in
                    for number in 0..<6 {
                        group.addTask {
                            var attempt = 0
                            while !Task.isCancelled {
                                attempt += 1
                                let key = "\(number)-\(attempt)"
                                let response = try? await service.deploy(key: key, to: instances[number % 2])
                                guard let response, response.status == 201 else { continue }
                                answered.withLock { $0[key] = response.body }
                            }
                        }
                    }
                }
            }
            for round in 1...2 {
                let wanted = round * 4
                _ = try await eventually { answered.withLock { $0.count } >= wanted ? true : nil }
                server.kill()
                // It is seen to be gone, and reads say so rather than anything else.
                _ = try await eventually {
                    let response = try? await service.send("GET", "/v1/deployments", to: instances[0])
                    return response?.status == 503 ? true : nil
                }
                try await Self.startAgain(server)
                for instance in instances { try await instance.awaitReady() }
            }
            _ = try await eventually { answered.withLock { $0.count } >= 12 ? true : nil }
            load.cancel()
            await load.value
            _ = try await eventually {
                let held = try? await service.count(
                    "SELECT count(*)::bigint FROM deployment WHERE state IN ('PENDING', 'ACTIVE')")
                return held == 0 ? true : nil
            }
            for (key, body) in answered.withLock({ $0 }) {
                let replay = try await service.deploy(key: key)
                #expect(replay.body == body, "\(key): \(replay.text)")
                #expect(replay.field("idempotency-replayed") == "true")
            }
            // Every execution has one record, and every record one execution, unit and answer.
            let started = try await service.gate.startedCount()
            #expect(try await service.count("SELECT count(*)::bigint FROM deployment WHERE state = 'SUCCEEDED'") == started)
            #expect(try await service.count("SELECT count(*)::bigint FROM deployment") == started)
            #expect(try await service.count("SELECT sum(used)::bigint FROM daily_counter") == started)
            #expect(try await service.count("SELECT count(*)::bigint FROM idempotency_key WHERE status = 201") == started)
        }
    }

    /// A backend that was being forked when the others were killed holds the shared memory for a moment longer.
    private static func startAgain(_ server: PostgresServer) async throws {
        _ = try await eventually { (try? await server.start()) != nil ? true : nil }
    }

    @Test("while PostgreSQL is away nothing is decided: 503, and no engine is called")
    func databaseIsAway() async throws {
        let server = try await PostgresServer.start()
        defer { server.remove() }
        try await ControlService.run(ControlService.wideLimits, on: server) { service in
            let record = try await service.deployed("1.0.0")
            server.kill()
            let response = try await eventually {
                let response = try? await service.deploy("1.1.0")
                return response?.status == 503 ? response : nil
            }
            #expect(response.code == "STORAGE_UNAVAILABLE")
            #expect(response.field("retry-after") == "1")
            #expect(!response.text.contains("socket") && !response.text.contains("SQL"))
            #expect(try await service.send("GET", "/v1/health", as: nil).status == 200)
            #expect(try await service.gate.startedCount() == 1)
            try await Self.startAgain(server)
            try await service.process.awaitReady()
            let id = try #require(record["id"]?.string)
            #expect(try await service.send("GET", "/v1/deployments/\(id)").json == record)
        }
    }
}
