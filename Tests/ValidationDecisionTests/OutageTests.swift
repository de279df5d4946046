import EventLoop
import Foundation
import Locking
import TestSupport
import Testing

extension PromiseTests {
    /// PostgreSQL that is down, stuck, restarting, late or empty: 500 with BLOCK in less than three seconds, not ready, and
    /// back by itself.
    @Suite(.serialized) struct OutageTests {
        /// What the service promises for its answer while its store is down.
        static let answerTimeMax = Duration.seconds(3)

        @Test("while PostgreSQL is stopped every route answers 500 and BLOCK, and the service returns with it", .timeLimit(.minutes(3)))
        func stopped() async throws {
            let lone = try await LoneService.start()
            let unseen = try await lone.freshToken()
            try await expectAllowed(lone)
            lone.server.stop()
            try await expectFailures(lone, unseen, "stopped")
            #expect(try await lone.awaitNotReady().contains("database"))
            try await lone.server.start()
            try await expectRecovery(lone)
            await lone.stop()
        }

        @Test("while PostgreSQL is frozen every route answers 500 and BLOCK, and the service returns with it", .timeLimit(.minutes(3)))
        func frozen() async throws {
            let lone = try await LoneService.start()
            let unseen = try await lone.freshToken()
            try await expectAllowed(lone)
            lone.server.freeze()
            try await expectFailures(lone, unseen, "frozen")
            #expect(try await lone.awaitNotReady().contains("database"))
            lone.server.thaw()
            try await expectRecovery(lone)
            await lone.stop()
        }

        @Test("clients that were being served when PostgreSQL froze are all told BLOCK in time", .timeLimit(.minutes(3)))
        func frozenUnderLoad() async throws {
            let lone = try await LoneService.start()
            let load = DecisionLoad(token: lone.validatorToken) { try lone.address }
            load.start(clients: 64, seed: TestSize.seed(of: "frozen under load"))
            await load.decided(200)
            lone.server.freeze()
            #expect(try await lone.awaitNotReady().contains("database"))
            // Long enough that the service forgets the token, too.
            await load.failed(256)
            lone.server.thaw()
            await load.decided(64)
            let outcome = await load.stop()
            print("frozen under load: \(outcome.failed) failures, the slowest after \(outcome.slowestFailure)")
            #expect(outcome.wrong == [])
            #expect(outcome.hung == 0 && outcome.broken == 0)
            #expect(outcome.slowestFailure < OutageTests.answerTimeMax)
            let comparison = try await lone.withDatabase { try await LogComparison(outcome.told, $0) }
            #expect(comparison.problems == [])
            await lone.stop()
        }

        @Test("requests that arrive at any time while PostgreSQL is frozen are all told BLOCK in time", .timeLimit(.minutes(3)))
        func frozenArrivals() async throws {
            let lone = try await LoneService.start()
            let unseen = try await lone.freshToken()
            try await expectAllowed(lone)
            lone.server.freeze()
            let slowest = try await withThrowingTaskGroup(of: Duration.self) { group in
                for number in 0..<300 {
                    group.addTask {
                        // Spread over the times at which statements are given up and connections tried again.
                        try await Task.sleep(for: .milliseconds(number * 8))
                        let asked = MonotonicTime.now()
                        let response = try await TestClient.exchange(
                            lone.address, "POST", "/api/v1/validate/replication/ref",
                            fields: ["Authorization": "Bearer \(number % 2 == 0 ? unseen : lone.validatorToken)"])
                        let told = try Told(response)
                        #expect(told.status == 500 && told.reasons == ["INTERNAL_ERROR"], "\(response.text)")
                        return MonotonicTime.now() - asked
                    }
                }
                return try await group.reduce(Duration.zero) { max($0, $1) }
            }
            print("frozen, 300 arrivals: the slowest answer after \(slowest)")
            #expect(slowest < OutageTests.answerTimeMax)
            lone.server.thaw()
            try await expectRecovery(lone)
            await lone.stop()
        }

        @Test("a request that waits for its token's check and then behind another's record is told BLOCK in time", .timeLimit(.minutes(3)))
        func frozenInTurn() async throws {
            let lone = try await LoneService.start(["TRIVET_EVENT_LOOPS": "1"])
            let unseen = try await lone.freshToken()
            try await expectAllowed(lone)
            lone.server.freeze()
            let slowest = try await withThrowingTaskGroup(of: Duration.self) { group in
                // The check of the unknown token is given up just after the record of the known one was sent.
                for (token, delay) in [(unseen, 0), (lone.validatorToken, 1000)] {
                    group.addTask {
                        try await Task.sleep(for: .milliseconds(delay))
                        let asked = MonotonicTime.now()
                        let response = try await TestClient.exchange(
                            lone.address, "POST", "/api/v1/validate/replication/ref", fields: ["Authorization": "Bearer \(token)"])
                        #expect(try Told(response).status == 500, "\(response.text)")
                        return MonotonicTime.now() - asked
                    }
                }
                return try await group.reduce(Duration.zero) { max($0, $1) }
            }
            print("frozen, one behind the other: the slowest answer after \(slowest)")
            #expect(slowest < OutageTests.answerTimeMax)
            await lone.stop()
        }

        @Test("a restart of PostgreSQL under load hangs nobody and breaks no connection", .timeLimit(.minutes(3)))
        func restartUnderLoad() async throws {
            let lone = try await LoneService.start()
            let load = DecisionLoad(token: lone.validatorToken) { try lone.address }
            load.start(clients: 48, seed: TestSize.seed(of: "restart under load"))
            for _ in 0..<3 {
                await load.decided(100)
                lone.server.stop()
                try await lone.server.start()
            }
            try await lone.process.awaitReady()
            await load.decided(100)
            let outcome = await load.stop()
            print(
                "restarts under load: \(outcome.told.count) answers, \(outcome.failed) failures, slowest \(outcome.slowest)")
            #expect(outcome.wrong == [])
            #expect(outcome.hung == 0 && outcome.broken == 0)
            #expect(outcome.slowest < OutageTests.answerTimeMax)
            let comparison = try await lone.withDatabase { try await LogComparison(outcome.told, $0) }
            #expect(comparison.problems == [])
            await lone.stop()
        }

        @Test("a service that starts before PostgreSQL waits for it and becomes ready by itself", .timeLimit(.minutes(3)))
        func startedFirst() async throws {
            let lone = try await LoneService.withoutService()
            try await lone.migrate()
            lone.server.stop()
            try await lone.startProcess(awaitReady: false)
            #expect(try await lone.awaitNotReady().contains("database"))
            #expect(try await TestClient.exchange(lone.address, "GET", "/healthz").status == 200)
            try await expectFailures(lone, lone.validatorToken, "not started")
            try await lone.server.start()
            try await expectRecovery(lone)
            await lone.stop()
        }

        @Test("without its migrations the service says so, blocks, and becomes ready when they have run", .timeLimit(.minutes(3)))
        func withoutMigrations() async throws {
            let lone = try await LoneService.withoutService()
            try await lone.startProcess(awaitReady: false)
            let reasons = try await lone.awaitReason("migrate")
            #expect(reasons.contains("the schema lacks"), "\(reasons)")
            let token = "trv_0123456789ab_" + String(repeating: "a", count: 43)
            try await expectFailures(lone, known: token, token, "without migrations")
            try await lone.migrate()
            try await expectRecovery(lone)
            await lone.stop()
        }

        // MARK: What is expected

        private struct Route: Sendable {
            let method: String
            let target: String
            let contentType: String
            let body: [UInt8]

            static let all: [Route] = {
                let migration = FormBody(MigrationCase(kind: 0, number: 1).parts)
                let replication = FormBody([
                    FormPart("replication_manifest", "source_db: a\ntarget_db: b\nexpected_snapshot_hash: '0'\nsync_mode: sync\n"),
                    FormPart("snapshot", filename: "s.tar.gz", "snapshot"),
                ])
                let reference = "app_id: a\nenv: prod\nsync_mode: sync\nsnapshot: {uri: 's3://b/k', sha256: '0'}\n"
                let validate = "/api/v1/validate"
                return [
                    Route(method: "POST", target: "\(validate)/migration", contentType: migration.contentType, body: migration.bytes),
                    Route(method: "POST", target: "\(validate)/replication", contentType: replication.contentType, body: replication.bytes),
                    Route(method: "POST", target: "\(validate)/replication/ref", contentType: "application/yaml", body: Array(reference.utf8)),
                    Route(method: "GET", target: "/api/v1/audit/logs", contentType: "text/plain", body: []),
                ]
            }()
        }

        /// Every route, asked at the same time with a token that the service knows and one that it has not seen.
        private func expectFailures(
            _ lone: LoneService, known: String? = nil, _ unseen: String, _ title: String
        ) async throws {
            let known = known ?? lone.validatorToken
            let address = try lone.address
            let slowest = Locked(Duration.zero)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for route in Route.all {
                    for token in [known, unseen] {
                        group.addTask {
                            let asked = MonotonicTime.now()
                            let response = try await TestClient.exchange(
                                address, route.method, route.target,
                                fields: ["Authorization": "Bearer \(token)", "Content-Type": route.contentType],
                                body: route.body)
                            let duration = MonotonicTime.now() - asked
                            slowest.withLock { $0 = max($0, duration) }
                            let told = try Told(response)
                            #expect(told.status == 500, "\(title): \(route.target): \(response.text)")
                            #expect(told.decision == "BLOCK" && told.reasons == ["INTERNAL_ERROR"], "\(response.text)")
                            #expect(duration < OutageTests.answerTimeMax, "\(title): \(route.target) after \(duration)")
                        }
                    }
                }
                try await group.waitForAll()
            }
            print("\(title): the slowest of \(Route.all.count * 2) answers after \(slowest.withLock { $0 })")
        }

        private func expectAllowed(_ lone: LoneService) async throws {
            let route = try #require(Route.all.first)
            let response = try await TestClient.exchange(
                lone.address, route.method, route.target,
                fields: ["Authorization": "Bearer \(lone.validatorToken)", "Content-Type": route.contentType], body: route.body)
            let told = try Told(response)
            #expect(told.status == 200 && told.decision == "ALLOW", "\(response.text)")
        }

        private func expectRecovery(_ lone: LoneService) async throws {
            let pid = try lone.process.pid
            let began = MonotonicTime.now()
            try await lone.process.awaitReady()
            print("ready again after \(MonotonicTime.now() - began)")
            // Ready means every connection, whichever loop has it.
            for _ in 0..<12 { try await expectAllowed(lone) }
            #expect(try lone.process.pid == pid && lone.process.exit == nil)
            let verified = try await lone.run(["audit", "verify"])
            #expect(verified.exit.isSuccess, "\(verified.output)\(verified.error)")
        }
    }
}
