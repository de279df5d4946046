import Encoding
import Foundation
import Glibc
import Locking
import TestSupport

/// Faults in a seeded order, one after the other, and what they were.
final class CrashFaults: Sendable {
    enum Fault: String, CaseIterable, Sendable {
        case killService, killBoth, killPlaybook, restartDatabase, killDatabase, freezeDatabase, freezeService, rewriteRules
    }

    /// A time during which a service was frozen, CLOCK_MONOTONIC in nanoseconds.
    struct Freeze: Sendable {
        let from: Int
        var to: Int
    }

    private struct State {
        var counts: [Fault: Int] = [:]
        /// When, CLOCK_MONOTONIC in nanoseconds, and what.
        var log: [(Int, String)] = []
        var freezes: [Freeze] = []
    }

    private let fleet: CrashFleet
    private let server: PostgresServer
    private let state = Locked(State())

    init(_ fleet: CrashFleet, _ server: PostgresServer) {
        self.fleet = fleet
        self.server = server
    }

    var counts: [Fault: Int] { state.withLock { $0.counts } }
    var freezes: [Freeze] { state.withLock { $0.freezes } }

    /// The last fault before an instant, for a problem's text.
    func last(before instant: Int) -> String {
        let last = state.withLock { $0.log.last { $0.0 <= instant } }
        return last.map { "\((instant - $0.0) / 1_000_000) ms after \($0.1)" } ?? "before any fault"
    }

    static func now() -> Int {
        var time = timespec()
        clock_gettime(CLOCK_MONOTONIC, &time)
        return time.tv_sec * 1_000_000_000 + time.tv_nsec
    }

    /// Rules for playbooks that end well slowly or fast, fail, hang, do not heed TERM, or leave processes behind.
    static func rules(_ random: inout SeededRandom) -> [String] {
        let all = [
            #"{"id": \#(random.next() >> 40), "times": 1, "hang": true}"#,
            #"{"id": \#(random.next() >> 40), "times": 1, "hang": true, "ignore_term": true}"#,
            #"{"id": \#(random.next() >> 40), "match": {"job_type": "env_deploy"}, "times": 3, "exit": 2}"#,
            #"{"id": \#(random.next() >> 40), "match": {"job_type": "backup_create"}, "times": 2, "exit": 250}"#,
            #"{"id": \#(random.next() >> 40), "match": {"job_type": "health_check"}, "times": 2, "result": {"healthy": false, "checks": {"http": false, "wp_cli": true, "database": true}}}"#,
            #"{"id": \#(random.next() >> 40), "match": {"attempt": 1}, "times": 3, "exit": 4}"#,
            #"{"id": \#(random.next() >> 40), "times": 5, "sleep_ms": 700}"#,
            #"{"id": \#(random.next() >> 40), "times": 2, "result": false}"#,
            #"{"id": \#(random.next() >> 40), "times": 2, "spawn": 2}"#,
            #"{"id": \#(random.next() >> 40), "times": 3, "output": {"repeat": ["a line", 500]}}"#,
        ]
        return Array(all.shuffled(using: &random).prefix(Int.random(in: 2...4, using: &random))) + [#"{"sleep_ms": \#(Int.random(in: 0...60, using: &random))}"#]
    }

    private func pause(_ milliseconds: ClosedRange<Int>, _ random: inout SeededRandom) async throws {
        try await Task.sleep(for: .milliseconds(Int.random(in: milliseconds, using: &random)))
    }

    func inject(_ fault: Fault, _ random: inout SeededRandom) async throws {
        state.withLock { state in
            state.counts[fault, default: 0] += 1
            state.log.append((Self.now(), fault.rawValue))
        }
        let place = Int.random(in: 0...1, using: &random)
        switch fault {
        case .killService:
            await fleet.kill(place)
            try await pause(0...1500, &random)
            try await fleet.start(place)
        case .killBoth:
            await fleet.kill(0)
            await fleet.kill(1)
            for place in 0...1 { try await fleet.start(place) }
        case .killPlaybook:
            let runs = try fleet.panel.playbooks.journal()
            let ended = Set(runs.filter { $0["event"] == "end" }.compactMap { $0["pid"]?.int })
            let living = runs.filter { $0["event"] == "start" }.compactMap { $0["pid"]?.int }.suffix(20).filter { !ended.contains($0) && Self.isPlaybook($0) }
            if let pid = living.randomElement(using: &random) { Glibc.kill(pid_t(pid), SIGKILL) }
        case .restartDatabase:
            server.stop()
            try await pause(0...800, &random)
            try await server.start()
        case .killDatabase:
            server.kill()
            try await pause(0...300, &random)
            try await server.start()
        case .freezeDatabase:
            server.freeze()
            try await pause(500...3000, &random)
            server.thaw()
        case .freezeService:
            guard let process = fleet.process(place) else { return }
            let from = Self.now()
            state.withLock { $0.freezes.append(Freeze(from: from, to: .max)) }
            process.signal(SIGSTOP)
            try await pause((CrashFleet.leaseSeconds * 1000 + 500)...(CrashFleet.leaseSeconds * 1000 + 2500), &random)
            process.signal(SIGCONT)
            state.withLock { state in state.freezes[state.freezes.count - 1].to = Self.now() }
        case .rewriteRules: break
        }
        let rules = Self.rules(&random)
        try fleet.panel.playbooks.script(rules.joined(separator: ","))
    }

    private static func isPlaybook(_ pid: Int) -> Bool {
        guard let line = try? String(contentsOfFile: "/proc/\(pid)/cmdline", encoding: .utf8) else { return false }
        return line.contains("ansible-playbook")
    }
}
