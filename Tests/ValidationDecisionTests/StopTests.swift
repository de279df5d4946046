import EventLoop
import Foundation
import Locking
import Postgres
import TestSupport
import Testing

extension PromiseTests {
    /// SIGTERM: what was taken up is answered, then the process ends with 0.
    @Suite(.serialized) struct StopTests {
        @Test("every request that was taken up before SIGTERM is answered whole", .timeLimit(.minutes(5)), arguments: 0..<3)
        func underLoad(round: Int) async throws {
            let service = try await ValidationService.start()
            let address = service.address
            let load = DecisionLoad(token: service.validatorToken) { address }
            load.start(clients: 48, seed: TestSize.seed(of: "SIGTERM under load"))
            await load.decided(150 + round * 37)
            let exit = await service.process.end()
            #expect(exit == .exited(code: 0), "\(service.process.log)")
            let outcome = await load.stop()
            #expect(outcome.wrong == [] && outcome.failed == 0 && outcome.hung == 0)
            let comparison = try await LogComparison(outcome.told, service.database)
            #expect(comparison.problems == [])
            #expect(comparison.records == outcome.told.count && comparison.untold == 0, "a request was recorded but not answered")
            print("SIGTERM under load: \(outcome.told.count) answers, \(comparison.records) records")
            try await service.stop()
        }

        @Test("uploads under way at SIGTERM go on to their answer", .timeLimit(.minutes(5)))
        func uploadsUnderWay() async throws {
            let service = try await ValidationService.start()
            let address = service.address
            let token = service.validatorToken
            let upload = SnapshotUpload(token: token, byteCount: 4 << 20)
            let signalled = Signal()
            let begun = Signal()
            let halfSent = Locked(0)
            let answers = try await withThrowingTaskGroup(of: Told.self) { group in
                for _ in 0..<8 {
                    group.addTask {
                        try await TestLoops.run {
                            let client = try await TestClient.connect(to: address)
                            defer { client.close() }
                            client.socket.deadline = MonotonicTime.now() + .seconds(60)
                            try await upload.send(to: client, until: upload.byteCount / 2)
                            if halfSent.withLock({ count in count += 1; return count == 8 }) { begun.raise() }
                            await signalled.wait()
                            try await upload.send(to: client, from: upload.byteCount / 2)
                            return try Told(try await client.receive())
                        }
                    }
                }
                await begun.wait()
                // What the service has taken up shows in its own numbers.
                while true {
                    let metrics = try await service.send("GET", "/metrics").text
                    let line = metrics.split(separator: "\n").first { $0.contains("in_flight") && !$0.hasPrefix("#") }
                    if let value = line?.split(separator: " ").last.flatMap({ Double($0) }), value >= 8 { break }
                    try await Task.sleep(for: .milliseconds(10))
                }
                service.process.signal(SIGTERM)
                while try await refusesConnections(address) == false { try await Task.sleep(for: .milliseconds(5)) }
                signalled.raise()
                return try await group.reduce(into: []) { $0.append($1) }
            }
            #expect(answers.count == 8 && answers.allSatisfy { $0.status == 200 && $0.decision == "ALLOW" }, "\(answers)")
            // A second SIGTERM would end it at once: this one only waits.
            #expect(await service.process.end(with: 0) == .exited(code: 0), "\(service.process.log)")
            let comparison = try await LogComparison(answers, service.database)
            #expect(comparison.problems == [] && comparison.untold == 0)
            try await service.stop()
        }

        private func refusesConnections(_ address: SocketAddress) async throws -> Bool {
            try await TestLoops.run {
                do {
                    try await TestClient.connect(to: address).close()
                    return false
                } catch { return true }
            }
        }
    }
}

/// Something that happens once and that any number may wait for.
final class Signal: Sendable {
    private struct State {
        var isRaised = false
        var waiting: [UnsafeContinuation<Void, Never>] = []
    }

    private let state = Locked(State())

    func raise() {
        let waiting = state.withLock { state in
            state.isRaised = true
            defer { state.waiting = [] }
            return state.waiting
        }
        for continuation in waiting { continuation.resume() }
    }

    func wait() async {
        await withUnsafeContinuation { continuation in
            let isRaised = state.withLock { state in
                if !state.isRaised { state.waiting.append(continuation) }
                return state.isRaised
            }
            if isRaised { continuation.resume() }
        }
    }
}
