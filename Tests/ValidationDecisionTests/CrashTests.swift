import EventLoop
import Foundation
import TestSupport
import Testing

extension PromiseTests {
    /// An ALLOW is never sent before its audit record is committed, whoever is killed in between.
    @Suite(.serialized) struct CrashTests {
        static let clients = 32

        @Test("whatever a client was told is in the log once, when the service is killed again and again", .timeLimit(.minutes(30)))
        func killedService() async throws {
            let seed = TestSize.seed(of: "killed service")
            var random = SeededRandom(seed)
            let lone = try await LoneService.start()
            let load = DecisionLoad(token: lone.validatorToken) { try lone.address }
            load.start(clients: CrashTests.clients, seed: seed)
            for _ in 0..<TestSize.rounds {
                await load.decided(Int.random(in: 20...400, using: &random))
                try await pause(&random)
                #expect(try await lone.process.end(with: SIGKILL) == .signalled(SIGKILL))
                try await lone.startProcess()
            }
            await load.decided(CrashTests.clients)
            try await check(await load.stop(), lone, "service killed \(TestSize.rounds) times")
            await lone.stop()
        }

        @Test("whatever a client was told is in the log once, when PostgreSQL is killed again and again", .timeLimit(.minutes(30)))
        func killedDatabase() async throws {
            let seed = TestSize.seed(of: "killed database")
            var random = SeededRandom(seed)
            let lone = try await LoneService.start()
            let pid = try lone.process.pid
            let load = DecisionLoad(token: lone.validatorToken) { try lone.address }
            load.start(clients: CrashTests.clients, seed: seed)
            // SIGQUIT: the server's immediate stop; SIGINT: its fast one.
            for _ in 0..<TestSize.rounds {
                await load.decided(Int.random(in: 20...400, using: &random))
                try await pause(&random)
                lone.server.stop(with: [SIGKILL, SIGKILL, SIGQUIT, SIGINT].randomElement(using: &random) ?? SIGKILL)
                try await lone.server.start()
            }
            await load.decided(CrashTests.clients)
            #expect(try lone.process.pid == pid && lone.process.exit == nil, "the service ran through it all")
            try await check(await load.stop(), lone, "PostgreSQL killed \(TestSize.rounds) times")
            await lone.stop()
        }

        /// Lets the instant of a kill fall anywhere between two answers.
        private func pause(_ random: inout SeededRandom) async throws {
            try await Task.sleep(for: .microseconds(Int.random(in: 0...20_000, using: &random)))
        }

        private func check(_ outcome: DecisionLoad.Outcome, _ lone: LoneService, _ title: String) async throws {
            let comparison = try await lone.withDatabase { try await LogComparison(outcome.told, $0) }
            print(
                "\(title): \(outcome.told.count) answers (\(outcome.allowed) ALLOW, \(outcome.blocked) BLOCK,",
                "\(outcome.failed) failures), \(outcome.broken) connections broke, \(comparison.records) records of which",
                "\(comparison.untold) nobody was told of, \(comparison.recordedFailures) are of failures and",
                "\(comparison.overtaken) of decisions that ended as failures,",
                "slowest answer \(outcome.slowest)")
            #expect(outcome.wrong == [])
            #expect(outcome.hung == 0)
            #expect(outcome.allowed > 0 && outcome.blocked > 0)
            #expect(comparison.problems == [])
            let verified = try await lone.run(["audit", "verify"])
            #expect(verified.exit == .exited(code: 0), "\(verified.output)\(verified.error)")
            #expect(verified.output.hasPrefix("intact: \(comparison.records) records"), "\(verified.output)")
        }
    }
}
