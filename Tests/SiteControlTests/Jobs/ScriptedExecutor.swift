import Encoding
import EventLoop
import Locking
import SiteControlDomain

@testable import SiteControl

/// Runs jobs by a script of the test, in this process.
final class ScriptedExecutor: JobExecutor {
    typealias Script = @Sendable (Attempt, any AttemptProgress) async -> AttemptReport

    private let script: Script
    private let seen = Locked<[Attempt]>([])

    init(_ script: @escaping Script) { self.script = script }

    /// Always the same outcome.
    convenience init(_ outcome: AttemptOutcome, tail: String = "") {
        self.init { _, _ in AttemptReport(outcome: outcome, outputTail: tail) }
    }

    /// What every type is expected to give.
    static var succeeding: ScriptedExecutor {
        ScriptedExecutor { attempt, _ in AttemptReport(outcome: .succeeded(.plain(for: attempt)), outputTail: "done") }
    }

    var attempts: [Attempt] { seen.withLock { $0 } }

    func run(_ attempt: Attempt, progress: any AttemptProgress) async -> AttemptReport {
        seen.withLock { $0.append(attempt) }
        return await script(attempt, progress)
    }
}

/// Lets a script wait for the test. As a child would be, it is ended by the cancellation of its task.
final class Gate: Sendable {
    private struct State {
        var isOpen = false
        var arrived = 0
        var waiters: [Int: CheckedContinuation<Bool, Never>] = [:]
        var arrivals: [(count: Int, continuation: CheckedContinuation<Void, Never>)] = []
        var next = 0
    }
    private let state = Locked(State())

    func open() {
        let waiters = state.withLock { state in
            state.isOpen = true
            defer { state.waiters = [:] }
            return Array(state.waiters.values)
        }
        for waiter in waiters { waiter.resume(returning: true) }
    }

    /// - Returns: false where the task was cancelled.
    func pass() async -> Bool {
        let id = state.withLock { state in
            state.next += 1
            return state.next
        }
        return await withTaskCancellationHandler {
            await withCheckedContinuation { (continuation: CheckedContinuation<Bool, Never>) in
                let (known, arrivals) = state.withLock { state -> (Bool?, [CheckedContinuation<Void, Never>]) in
                    state.arrived += 1
                    let due = state.arrivals.filter { $0.count <= state.arrived }.map(\.continuation)
                    state.arrivals.removeAll { $0.count <= state.arrived }
                    if state.isOpen { return (true, due) }
                    if Task.isCancelled { return (false, due) }
                    state.waiters[id] = continuation
                    return (nil, due)
                }
                for arrival in arrivals { arrival.resume() }
                if let known { continuation.resume(returning: known) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(returning: false)
        }
    }

    /// Returns once so many have come to the gate.
    func arrivals(_ count: Int = 1) async {
        await withCheckedContinuation { continuation in
            let isThere = state.withLock { state -> Bool in
                if state.arrived >= count { return true }
                state.arrivals.append((count, continuation))
                return false
            }
            if isThere { continuation.resume() }
        }
    }
}

extension JSONObject {
    init(of value: JSONValue) { self = value.object ?? JSONObject() }
}

extension JobResult {
    static let checksums = ProtectedChecksums(
        tables: ["wp_posts": .init(rows: 3, checksum: "x")], trees: ["wp-content/uploads": .init(files: 1, checksum: "y")])

    static func object() -> StoredObject? { StoredObject(checksum: "sha256:" + String(repeating: "b", count: 64), sizeBytes: 10) }

    /// A fitting success.
    static func plain(for attempt: Attempt) -> JobResult {
        let path = "/var/www/releases/\(attempt.jobID)"
        let planned = attempt.payload["snapshot_backup_id"]?.string != nil
        let changed = ChangedRelease(path: path, snapshot: planned ? object() : nil, preChangeDump: "/dump/\(attempt.jobID)")
        return switch attempt.type {
        case .nodeProvision: .nodeProvisioned(publicIP: "203.0.113.7", versions: ["nginx": "1.24"])
        case .siteCreate: .siteCreated(releasePath: path, wordPressVersion: "6.9")
        case .siteImport: .siteImported(changed, sourceURL: "http://a", targetURL: "http://b")
        case .environmentCreate: .environmentCreated(releasePath: path, baseline: checksums)
        case .environmentDeploy: .deployed(ChangedRelease(path: path))
        case .environmentUpdate: .updated(changed, updated: ["akismet"])
        case .environmentRestore: .restored(changed)
        case .environmentPromote: .promoted(changed, baseline: checksums)
        case .cacheToggle:
            .cachesSet(
                CacheFlags(fastCGI: attempt.payload["fastcgi_cache_enabled"]?.bool, redis: attempt.payload["redis_cache_enabled"]?.bool))
        case .cachePurge: .cachesPurged(pageCacheEntries: 0, objectCacheKeys: 0)
        case .backupCreate: object().map { .backedUp($0) } ?? .rolledBack(releasePath: "")
        case .domainAdd: .domainAdded(certificateExpiresAt: "2027-01-01T00:00:00Z", rewritten: true)
        case .domainRemove: .domainRemoved(rewritten: false)
        case .driftCheck: .driftMeasured(checksums)
        case .healthCheck: .healthChecked(HealthVerdict(isHealthy: true, http: true, wpCLI: true, database: true))
        case .backupCleanup:
            .cleanedUp(deleted: (attempt.payload["backup_ids"]?.array ?? []).compactMap(\.string), missing: [])
        case .releaseRollback: .rolledBack(releasePath: path)
        }
    }
}
