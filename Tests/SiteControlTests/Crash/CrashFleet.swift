import Encoding
import Foundation
import Locking
import Postgres
import TestSupport
import Testing

/// Two processes with workers on one database, several nodes, and many sites that clients keep changing.
final class CrashFleet: Sendable {
    static let leaseSeconds = 2
    static let settings = Panel.fastJobs.merging([
        "TRIVET_JOB_LEASE_SECONDS": "\(leaseSeconds)", "TRIVET_JOB_REAPER_SECONDS": "1", "TRIVET_JOB_TIMEOUT_SECONDS": "3", "TRIVET_WORKERS": "8",
        "TRIVET_LOG_LEVEL": "info",
    ]) { $1 }

    struct Site: Sendable {
        let site: SeededSite
        let backup: String
    }

    /// What the clients were told.
    struct Told: Sendable {
        var accepted: Set<String> = []
        /// By status and code.
        var answers: [String: Int] = [:]
        var brokenConnections = 0
        /// Answers that no fault excuses.
        var wrong: [String] = []
    }

    let panel: Panel
    let sites: [Site]
    private let told = Locked(Told())
    private let isStopped = Locked(false)
    /// Places for the two processes; nil while one is down.
    private let places: Locked<[ServiceUnderTest?]>

    init(_ panel: Panel, sites count: Int, nodes: Int) async throws {
        self.panel = panel
        places = Locked(panel.instances.map { $0 })
        var nodeIDs = [panel.nodeID]
        for number in 1..<max(1, nodes) {
            let id = try await Panel.output(
                of: [
                    "node", "add", "--name", "node-\(number)", "--host", "node-\(number).example", "--ssh-user", "trivet", "--ssh-port", "22",
                    "--ssh-key-file", panel.directory.path + "/node_key", "--public-ip", "198.51.100.\(20 + number)",
                ], panel.environment)
            try await panel.execute("UPDATE nodes SET status = 'active' WHERE id = '\(id)'")
            nodeIDs.append(id)
        }
        var sites: [Site] = []
        for number in 0..<count {
            let site = try await panel.seed(node: nodeIDs[number % nodeIDs.count])
            sites.append(Site(site: site, backup: try await panel.seedBackup(site.staging, age: "2 hours")))
        }
        self.sites = sites
    }

    var outcome: Told { told.withLock { $0 } }

    // MARK: Processes

    func process(_ place: Int) -> ServiceUnderTest? { places.withLock { $0[place] } }
    var running: [ServiceUnderTest] { places.withLock { $0.compactMap { $0 } } }

    func kill(_ place: Int) async {
        guard let process = places.withLock({ places in
            defer { places[place] = nil }
            return places[place]
        }) else { return }
        await process.end(with: SIGKILL)
    }

    func start(_ place: Int) async throws {
        let process = try await panel.startInstance(awaitReady: false)
        places.withLock { $0[place] = process }
    }

    // MARK: Load

    /// So many clients, each changing one site after the other until ``stopLoad()``.
    func load(clients: Int, seed: UInt64) -> Task<Void, Never> {
        Task { [self] in
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<clients {
                    group.addTask { [self] in
                        var random = SeededRandom(seed &+ UInt64(number))
                        while !isStopped.withLock({ $0 }) {
                            await change(&random)
                            try? await Task.sleep(for: .milliseconds(Int.random(in: 5...60, using: &random)))
                        }
                    }
                }
            }
        }
    }

    func stopLoad() { isStopped.withLock { $0 = true } }

    private func change(_ random: inout SeededRandom) async {
        guard let place = sites.randomElement(using: &random), let process = running.randomElement(using: &random) else { return }
        let (site, environment) = (place.site, place.site.staging)
        let calls: [(String, String, String?)] = [
            ("POST", "/api/environments/\(environment)/cache/purge", nil), ("POST", "/api/environments/\(environment)/cache/purge", nil),
            ("PATCH", "/api/environments/\(environment)/cache", #"{"redis_cache_enabled":\#(Bool.random(using: &random))}"#),
            ("POST", "/api/environments/\(environment)/deploy", #"{"source_type":"git","source_ref":"https://git.example/a"}"#),
            ("POST", "/api/environments/\(environment)/deploy", #"{"source_type":"upload","source_ref":"s3://backups/a"}"#),
            ("POST", "/api/environments/\(environment)/updates", #"{"scope":"all"}"#),
            ("POST", "/api/environments/\(environment)/restore", #"{"backup_id":"\#(place.backup)"}"#),
            ("POST", "/api/environments/\(site.production)/backups", #"{"backup_scope":"full"}"#),
            ("POST", "/api/environments/\(environment)/drift-check", nil),
            ("POST", "/api/environments/\(environment)/domains", #"{"hostname":"d\#(Int.random(in: 0...3, using: &random)).\#(site.slug).example"}"#),
            ("POST", "/api/sites/\(site.site)/environments", #"{"name":"C","slug":"c-\#(Int.random(in: 0...3, using: &random))","type":"clone","promotion_preset":"content-protect"}"#),
        ]
        guard let (method, target, body) = calls.randomElement(using: &random) else { return }
        guard let answer = await send(method, target, body, process) else { return }
        if answer.status == 202, let job = answer.json["job_id"]?.string {
            told.withLock { _ = $0.accepted.insert(job) }
            // Now and then somebody thinks better of it.
            if Int.random(in: 0..<12, using: &random) == 0 { _ = await send("POST", "/api/jobs/\(job)/cancel", nil, process) }
        }
        // What failed is put right, as an operator would.
        if answer.reason == "site_not_active" || answer.reason == "environment_state" {
            for target in ["/api/environments/\(environment)/reset", "/api/sites/\(site.site)/reset"] { _ = await send("POST", target, nil, process) }
        }
    }

    private func send(_ method: String, _ target: String, _ body: String?, _ process: ServiceUnderTest) async -> Answer? {
        let answer: Answer
        do { answer = try await panel.send(method, target, as: .automation, body, to: process) } catch {
            told.withLock { $0.brokenConnections += 1 }
            return nil
        }
        told.withLock { told in
            told.answers["\(answer.status) \(answer.reason ?? answer.code ?? "")", default: 0] += 1
            let isTyped = answer.status < 300 || answer.code != nil
            if !isTyped || ![200, 202, 409, 503].contains(answer.status) {
                told.wrong.append("\(method) \(target): \(answer.status) \(answer.text.prefix(200))")
            }
        }
        return answer
    }

    // MARK: The database, which may be away

    func ask<T>(_ question: () async throws -> T) async throws -> T {
        var last: (any Error)?
        for _ in 0..<600 {
            do { return try await question() } catch { last = error }
            try await Task.sleep(for: .milliseconds(50))
        }
        throw last ?? Panel.NeverCame()
    }
}
