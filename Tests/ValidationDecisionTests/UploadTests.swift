import EventLoop
import Foundation
import Postgres
import TestSupport
import Testing

extension PromiseTests {
    /// Snapshots are hashed while they arrive: size costs time, never memory.
    @Suite(.serialized) struct UploadTests {
        @Test("a large snapshot streams through in flat memory", .timeLimit(.minutes(60)))
        func flatMemory() async throws {
            let service = try await ValidationService.start()
            let address = service.address
            let figures = ProcessFigures(pid: try #require(service.process.pid))
            // The first one warms up buffers and connections.
            let told = try await upload(16 << 20, address, service.validatorToken)
            #expect(told.status == 200 && told.decision == "ALLOW")
            let before = try figures.residentBytesMax

            let size = TestSize.snapshotBytes
            let began = MonotonicTime.now()
            let large = try await upload(size, address, service.validatorToken)
            let duration = MonotonicTime.now() - began
            #expect(large.status == 200 && large.decision == "ALLOW", "\(large)")
            let growth = try figures.residentBytesMax - before
            print("a snapshot of \(size >> 20) MB in \(duration): resident memory \(before >> 10) kB, grew by \(growth >> 10) kB")
            #expect(growth < 8 << 20)
            try await service.stop()
        }

        @Test("a client that leaves in the middle of its upload leaves exactly one record, and it is a BLOCK")
        func clientLeaves() async throws {
            let service = try await ValidationService.start()
            let address = service.address
            let upload = SnapshotUpload(token: service.validatorToken, byteCount: 64 << 20)
            let count = 12
            try await TestLoops.run {
                for number in 0..<count {
                    let client = try await TestClient.connect(to: address)
                    try await upload.send(to: client, until: (1 + number) << 20)
                    // In order, or with a reset.
                    if number % 2 == 0 { client.close() } else { client.socket.closeWithReset() }
                }
            }
            // What is under way is finished before the process ends; after that nothing more can come.
            while try await records(service.database).count < count { try await Task.sleep(for: .milliseconds(10)) }
            #expect(await service.process.end() == .exited(code: 0))
            let found = try await records(service.database)
            #expect(found == Array(repeating: "BLOCK T2 POST /api/v1/validate/replication", count: count))
            try await service.stop()
        }

        private func upload(_ size: Int, _ address: SocketAddress, _ token: String) async throws -> Told {
            let upload = SnapshotUpload(token: token, byteCount: size)
            return try await TestLoops.run {
                let client = try await TestClient.connect(to: address)
                defer { client.close() }
                try await upload.send(to: client)
                return try Told(try await client.receive())
            }
        }

        private func records(_ database: Database) async throws -> [String] {
            try await database.query(
                "SELECT decision || ' ' || scenario || ' ' || endpoint FROM validation_audit ORDER BY sequence" as SQL<String>)
        }
    }
}
