import Encoding
import EventLoop
import Foundation
import Postgres
import TestSupport
import Testing

extension PromiseTests {
    /// Bytes that are no requests, halves of requests, and many requests in one piece.
    @Suite(.serialized) struct BrokenRequestTests {
        @Test("garbage is refused or dropped, connection by connection, and the service goes on", .timeLimit(.minutes(5)))
        func garbage() async throws {
            let seed = TestSize.seed(of: "garbage")
            let service = try await ValidationService.start()
            let (address, token) = (service.address, service.validatorToken)
            try await withThrowingTaskGroup(of: Void.self) { group in
                for share in 0..<8 {
                    group.addTask {
                        try await TestLoops.run {
                            var random = SeededRandom(seed &+ UInt64(share))
                            for _ in 0..<50 {
                                let answer = try await BrokenRequestTests.answer(
                                    to: BrokenRequestTests.garbage(token, &random), at: address)
                                #expect(BrokenRequestTests.isWhole(answer), "\(String(decoding: answer, as: UTF8.self))")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(service.process.exit == nil)
            let good = MigrationCase(kind: 0, number: 1)
            let told = try Told(try await service.post("/api/v1/validate/migration", good.parts))
            #expect(told.decision == "ALLOW")
            let verified = try await service.run(["audit", "verify"])
            #expect(verified.exit.isSuccess, "\(verified.output)")
            try await service.stop()
        }

        @Test("a request of which only a part arrives is never allowed, wherever it is cut", .timeLimit(.minutes(5)))
        func halfRequests() async throws {
            let service = try await ValidationService.start()
            let (address, token) = (service.address, service.validatorToken)
            let request = MigrationCase(kind: 0, number: 7).request(token: token)
            let cuts = Array(stride(from: 1, to: request.count - 1, by: 7))
            try await withThrowingTaskGroup(of: Void.self) { group in
                for share in 0..<4 {
                    group.addTask {
                        try await TestLoops.run {
                            for cut in stride(from: share, to: cuts.count, by: 4).map({ cuts[$0] }) {
                                let answer = try await BrokenRequestTests.answer(to: Array(request[..<cut]), at: address)
                                #expect(!String(decoding: answer, as: UTF8.self).contains("ALLOW"), "cut at \(cut)")
                                #expect(BrokenRequestTests.isWhole(answer), "cut at \(cut)")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(await service.process.end() == .exited(code: 0))
            let decisions = try await service.database.query(
                "SELECT decision || ' ' || count(*) FROM validation_audit GROUP BY decision" as SQL<String>)
            print("\(cuts.count) halves of a request: \(decisions)")
            #expect(decisions.allSatisfy { $0.hasPrefix("BLOCK") })
            try await service.stop()
        }

        @Test("requests sent in one piece are answered one by one in their order", .timeLimit(.minutes(2)))
        func pipelined() async throws {
            let seed = TestSize.seed(of: "pipelined")
            let service = try await ValidationService.start()
            let (address, token) = (service.address, service.validatorToken)
            try await TestLoops.run {
                var random = SeededRandom(seed)
                let migrations = (0..<60).map { MigrationCase(kind: Int(random.next() % UInt64(MigrationCase.kinds)), number: $0) }
                let client = try await TestClient.connect(to: address)
                defer { client.close() }
                client.socket.deadline = MonotonicTime.now() + .seconds(60)
                try await client.send(migrations.flatMap { $0.request(token: token) })
                for migration in migrations {
                    let response = try await client.receive()
                    let told = try Told(response)
                    #expect(told.status == migration.status && told.reasons == migration.reasons)
                    let hashes = try JSONReader.parse(response.body)["artifacts"]?["computed_hashes"]
                    #expect(hashes?["config"]?.string == migration.configHash)
                }
            }
            try await service.stop()
        }

        // MARK: Helpers

        /// Sends the bytes and the end of the stream; returns all that comes until the service closes.
        private static func answer(to bytes: [UInt8], at address: SocketAddress) async throws -> [UInt8] {
            let client = try await TestClient.connect(to: address)
            defer { client.close() }
            client.socket.deadline = MonotonicTime.now() + .seconds(30)
            try await client.send(bytes)
            client.socket.shutdownWrite()
            return try await client.receiveAll()
        }

        /// Nothing, or responses of HTTP of which none is a success.
        private static func isWhole(_ answer: [UInt8]) -> Bool {
            if answer.isEmpty { return true }
            let text = String(decoding: answer, as: UTF8.self)
            return text.hasPrefix("HTTP/1.1 4") || text.hasPrefix("HTTP/1.1 5")
        }

        /// Random bytes, or a request with some of its bytes changed in the head.
        private static func garbage(_ token: String, _ random: inout SeededRandom) -> [UInt8] {
            if Bool.random(using: &random) {
                return (0..<Int.random(in: 1...4000, using: &random)).map { _ in UInt8(truncatingIfNeeded: random.next()) }
            }
            // Without the right to be served, so that no change of bytes can lead to a decision about artifacts.
            var request = MigrationCase(kind: 0, number: 3).request(token: String(token.reversed()))
            for _ in 0..<Int.random(in: 1...8, using: &random) {
                request[Int.random(in: 0..<200, using: &random)] = UInt8(truncatingIfNeeded: random.next())
            }
            return request
        }
    }
}
