import Encoding
import EventLoop
import Foundation
import Locking
import TestSupport
import Testing

/// Whatever is killed, restarted or frozen: every job ends in a state that is true.
@Suite(.serialized) struct PanelCrashTests {
    @Test("jobs of two processes reach a true state through kills, restarts and frozen workers", .timeLimit(.minutes(15)))
    func anyFault() async throws {
        let seed = CrashSize.seed(of: "crashes of site-control")
        var random = SeededRandom(seed)
        let server = try await PostgresServer.start()
        defer { server.remove() }
        try await Panel.run(CrashFleet.settings, instances: 2, on: server) { panel in
            let fleet = try await CrashFleet(panel, sites: 48, nodes: 16)
            let faults = CrashFaults(fleet, server)
            let began = ContinuousClock.now
            let load = fleet.load(clients: 10, seed: seed)
            let watch = LeaseWatch(fleet)
            // Each kind once in any order, then any.
            var next = CrashFaults.Fault.allCases.shuffled(using: &random)
            while try await fleet.ask({ try await panel.count("jobs") }) < CrashSize.jobs {
                try await Task.sleep(for: .milliseconds(Int.random(in: 300...1200, using: &random)))
                let fault = next.popLast() ?? CrashFaults.Fault.allCases.randomElement(using: &random) ?? .killService
                watch.pause()
                try await faults.inject(fault, &random)
                try await fleet.settled()
                watch.resume()
                if ContinuousClock.now - began > .seconds(600) { break }
            }
            fleet.stopLoad()
            await load.value
            try panel.playbooks.script()
            let quiet = ContinuousClock.now
            _ = try await panel.eventually(within: .seconds(90)) {
                try await fleet.ask { try await panel.count("jobs WHERE status IN ('queued', 'running')") } == 0 ? true : nil
            }
            let slowest = await watch.stop()
            let verdict = try await CrashVerdict(fleet, faults)
            print(
                "seed \(seed): \(verdict.jobs) jobs in \(ContinuousClock.now - began), of which \(verdict.states); \(verdict.attempts) attempts,",
                "\(verdict.lost) of them lost; \(faults.counts.map { "\($0.key) \($0.value)" }.sorted().joined(separator: ", "));",
                "last job \(ContinuousClock.now - quiet) after the last fault; oldest expired lease \(slowest);",
                "\(verdict.overlaps) runs met one of a frozen worker;",
                "\(fleet.outcome.answers.map { "\($0.value) × \($0.key)" }.sorted().joined(separator: ", ")), \(fleet.outcome.brokenConnections) connections broke")
            #expect(verdict.problems == [], "seed \(seed)")
            #expect(fleet.outcome.wrong == [], "seed \(seed)")
            #expect(slowest < .seconds(CrashFleet.leaseSeconds + 10), "seed \(seed)")
            for process in fleet.running { #expect(await process.end().isSuccess) }
            let left = try FileManager.default.subpathsOfDirectory(atPath: panel.directory.path + "/scratch")
            // Of a process that was killed between making a folder and locking it the empty folder may still be there.
            #expect(left.filter { $0.contains("/") } == [], "seed \(seed): scratch folders are gone")
        }
    }
}

extension CrashFleet {
    /// Waits until one of the processes is ready.
    func settled() async throws {
        let processes = running
        _ = try await panel.eventually {
            for process in processes where process.exit == nil {
                let answer = try? await panel.send("GET", "/readyz", as: .nobody, to: process)
                if answer?.status == 200 { return true }
            }
            return nil
        }
    }
}

/// Looks again and again for a job that runs on without a lease, and remembers how far the worst one went. It does not count
/// while the database or a process is away, but a lease that ended meanwhile counts in full afterwards.
final class LeaseWatch: Sendable {
    private struct State {
        var isPaused = false
        var isStopped = false
        var worst = Duration.zero
    }

    private let state = Locked(State())
    private let watching: Task<Void, Never>

    init(_ fleet: CrashFleet) {
        let state = state
        watching = Task {
            while !state.withLock({ $0.isStopped }) {
                try? await Task.sleep(for: .milliseconds(200))
                guard !state.withLock({ $0.isPaused }) else { continue }
                let row = try? await fleet.panel.row(
                    "SELECT (extract(epoch FROM max(now() - lease_expires_at)) * 1000)::bigint AS ms FROM jobs WHERE status = 'running' AND lease_expires_at < now()")
                guard let milliseconds = row?["ms"]?.int else { continue }
                state.withLock { $0.worst = max($0.worst, .milliseconds(milliseconds)) }
            }
        }
    }

    func pause() { state.withLock { $0.isPaused = true } }
    func resume() { state.withLock { $0.isPaused = false } }

    func stop() async -> Duration {
        state.withLock { $0.isStopped = true }
        await watching.value
        return state.withLock { $0.worst }
    }
}
