import EventLoop
import Foundation
import Locking
import Postgres
import TestSupport
import Testing

extension PromiseTests {
    /// Clients that have no right to be served, or take all the time in the world, cost nothing that others need.
    @Suite(.serialized) struct AbuseTests {
        private static let enormous = 10_000_000_000

        private static func head(_ fields: String) -> [UInt8] {
            Array(
                """
                POST /api/v1/validate/replication HTTP/1.1\r
                Host: test\r
                Content-Type: multipart/form-data; boundary=x\r
                Content-Length: \(enormous)\r
                \(fields)\r

                """.utf8)
        }

        @Test("a client without a token is not asked for its body")
        func noContinue() async throws {
            let service = try await ValidationService.start()
            let address = service.address
            for authorization in ["", "Authorization: Bearer nonsense\r\n"] {
                let response = try await TestLoops.run {
                    let client = try await TestClient.connect(to: address)
                    defer { client.close() }
                    try await client.send(AbuseTests.head(authorization + "Expect: 100-continue\r\n"))
                    return try await client.receive(keepInterim: true)
                }
                let told = try Told(response)
                #expect(told.status == 401 && told.decision == "BLOCK" && told.reasons == ["AUTH_FAILED"])
                #expect(response.field("www-authenticate") == "Bearer")
                #expect(response.closes)
            }
            try await service.stop()
        }

        @Test("a client without a token that pushes its body is answered, and next to nothing of it is read")
        func pushedBody() async throws {
            let service = try await ValidationService.start()
            let address = service.address
            let figures = ProcessFigures(pid: try #require(service.process.pid))
            let (memory, read) = (try figures.residentBytesMax, try figures.bytesRead)
            let (response, sent) = try await TestLoops.run {
                let client = try await TestClient.connect(to: address)
                defer { client.close() }
                client.socket.deadline = MonotonicTime.now() + .seconds(60)
                try await client.send(AbuseTests.head(""))
                // The body goes on until the service closes; what it said before that has arrived by then.
                let piece = [UInt8](repeating: 0, count: 1 << 20)
                var sent = 0
                sending: while sent < AbuseTests.enormous {
                    switch piece.withUnsafeBytes({ client.socket.tryWrite($0) }) {
                    case .bytes(let count): sent += count
                    case .wouldBlock: try await client.socket.waitWritable()
                    case .endOfStream, .failed: break sending
                    }
                    if client.socket.peerHasClosed { break }
                }
                return (try await client.receive(), sent)
            }
            let told = try Told(response)
            #expect(told.status == 401 && told.decision == "BLOCK" && told.reasons == ["AUTH_FAILED"])
            let (memoryAfter, readAfter) = (try figures.residentBytesMax, try figures.bytesRead)
            print("body without a token: the kernel took \(sent), the service read \(readAfter - read), memory grew by \(memoryAfter - memory)")
            // Read and thrown away is what lets the client see the answer before the connection ends.
            #expect(readAfter - read < 4 << 20)
            #expect(memoryAfter - memory < 8 << 20)
            try await service.stop()
        }

        @Test("2,000 clients that send a byte a second do not stop one that behaves", .timeLimit(.minutes(5)))
        func slowClients() async throws {
            let count = 2000
            let most = try #require(ProcessLimits.raiseOpenFiles())
            try #require(most > count + 500, "too few descriptors for this test")
            // A busy machine takes its time to let all of them in; none is to be cut off meanwhile.
            let service = try await ValidationService.start(["TRIVET_HEADER_TIMEOUT_MS": "300000"])
            let figures = ProcessFigures(pid: try #require(service.process.pid))
            #expect(try figures.openFiles.soft == figures.openFiles.hard)
            let before = try figures.residentBytes

            // Every other one is slow with its head, the others with a body.
            let body = AbuseTests.head("Authorization: Bearer \(service.validatorToken)\r\n")
            let slow = SlowClients(address: service.address)
            try await slow.connect(count) { $0 % 2 == 0 ? Array("POST /api/v1/validate/migration HTTP/1.1\r\nX-Slow: ".utf8) : body }
            await slow.sent(bytes: 3)

            let address = service.address
            let token = service.validatorToken
            let (answers, slowest) = try await TestLoops.run {
                let client = try await TestClient.connect(to: address)
                defer { client.close() }
                var slowest = Duration.zero
                for number in 0..<200 {
                    let migration = MigrationCase(kind: number % MigrationCase.kinds, number: number)
                    let asked = MonotonicTime.now()
                    client.socket.deadline = asked + .seconds(30)
                    try await client.send(migration.request(token: token))
                    let told = try Told(try await client.receive())
                    #expect(told.status == migration.status && told.reasons == migration.reasons)
                    slowest = max(slowest, MonotonicTime.now() - asked)
                }
                return (200, slowest)
            }
            let open = slow.openCount
            let after = try figures.residentBytes
            print(
                "\(open) of \(count) slow connections open: \(answers) answers to the well-behaved client, slowest \(slowest),",
                "memory grew by \((after - before) / count) bytes a connection")
            #expect(open == count, "each was let in and none was cut off yet")
            await slow.stop()
            try await service.stop()
        }
    }
}
