import EventLoop
import Postgres
import ValidationDecisionDomain

/// Writes audit records in groups: what arrives while one group commits forms the next, so that many decisions share one commit.
///
/// One writer per loop. A record is written whether or not its request is still wanted.
final class AuditWriter {
    private struct Waiting {
        let entry: AuditEntry
        let since: MonotonicTime
        let continuation: UnsafeContinuation<DatabaseError?, Never>
    }

    /// Records of one commit.
    private static let groupMax = 256
    /// Records that may wait on one loop; more are refused.
    private static let queueMax = 8192
    /// Longest wait behind a group that is then lost. With it the token's check, the wait and the record take less than the
    /// three seconds in which an outage is to be answered.
    private static let waitMax = Duration.milliseconds(250)

    private let loop: Loop
    private let store: AuditStore
    private var waiting: [Waiting] = []
    private var isWriting = false

    init(_ store: AuditStore, on loop: Loop) {
        self.store = store
        self.loop = loop
    }

    /// Returns once the record is durably committed. Loop only.
    ///
    /// - Throws: where it is not, or where that cannot be known.
    func append(_ entry: AuditEntry) async throws(DatabaseError) {
        guard waiting.count < AuditWriter.queueMax else { throw .queueFull }
        let failure = await withUnsafeContinuation { continuation in
            waiting.append(Waiting(entry: entry, since: loop.now, continuation: continuation))
            if !isWriting { startWriting() }
        }
        if let failure { throw failure }
    }

    private func startWriting() {
        isWriting = true
        let writer = Carried(self)
        // At the end of the tick, so that requests that were read together are written together.
        loop.atEndOfTick { writer.value.loop.spawn { await writer.value.writeAll() } }
    }

    private func writeAll() async {
        while !waiting.isEmpty {
            let group = Array(waiting.prefix(AuditWriter.groupMax))
            waiting.removeFirst(group.count)
            await write(group)
        }
        isWriting = false
    }

    private func write(_ group: [Waiting]) async {
        do throws(DatabaseError) {
            try await store.append(group.map(\.entry))
            for member in group { member.continuation.resume(returning: nil) }
        } catch {
            // A refused statement has left nothing behind: find the member that it was refused for.
            if case .server = error, group.count > 1 {
                for member in group { await write([member]) }
            } else {
                for member in group { member.continuation.resume(returning: error) }
                if case .server = error { return }
                giveUpOverdue(error)
            }
        }
    }

    /// The store does not answer: who has waited for a long time already does not wait for one more group.
    private func giveUpOverdue(_ error: DatabaseError) {
        let now = loop.now
        let overdue = waiting.prefix { now - $0.since > AuditWriter.waitMax }
        waiting.removeFirst(overdue.count)
        for member in overdue { member.continuation.resume(returning: error) }
    }

    private struct Carried: @unchecked Sendable {
        // @unchecked: opened on the writer's own loop only.
        let value: AuditWriter
        init(_ value: AuditWriter) { self.value = value }
    }
}
