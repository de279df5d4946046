import Encoding
import EventLoop
import HTTP
import Postgres
import ServiceKit

/// One client's view of a job: its events as they come, without a gap, until the job has ended or the client has left.
///
/// A client that is slow is waited for; meanwhile the stream holds at most one page of events.
struct EventStream: Sendable {
    let job: UUID
    /// What the client has seen already.
    let start: Int64
    let identity: Identity
    let hub: EventHub
    let database: Database
    let authenticator: SessionAuthenticator

    func write(to writer: ResponseWriter, first page: JobEventPage) async throws {
        guard let loop = Loop.current else { return }
        let limits = hub.limits
        let feed = hub.watch(job, at: page)
        defer { hub.leave(feed) }
        var seen = start
        var lastWrite = loop.now
        var lastAdmission = loop.now
        try await writer.write("retry: \(limits.reconnectMilliseconds)\n\n")
        if try await pass(on: page, seen: &seen, to: writer) { return }
        while !hub.isClosing {
            try Task.checkCancellation()
            if loop.now - lastAdmission >= limits.admission {
                guard await authenticator.isStillAdmitted(identity) else { return }
                lastAdmission = .now()
            }
            switch feed.next(after: seen) {
            case .frames(let frames, let upTo):
                for frame in frames { try await writer.write(frame) }
                seen = upTo
                lastWrite = .now()
            case .behind:
                // The database may be away for a while: the stream stays, and goes on when it is back.
                guard let page = try? await JobEventPage.read(job, after: seen, limits: limits, from: database) else {
                    try await loop.sleep(for: limits.poll)
                    if loop.now - lastWrite >= limits.heartbeat {
                        try await writer.write(":\n\n")
                        lastWrite = .now()
                    }
                    continue
                }
                if try await pass(on: page, seen: &seen, to: writer) { return }
                lastWrite = .now()
            case .end: return
            case .nothing:
                let silence = loop.now - lastWrite
                if silence >= limits.heartbeat {
                    try await writer.write(":\n\n")
                    lastWrite = .now()
                } else {
                    await feed.wait(after: seen, for: limits.heartbeat - silence, on: loop)
                }
            }
        }
    }

    /// - Returns: whether it was the last page.
    private func pass(on page: JobEventPage, seen: inout Int64, to writer: ResponseWriter) async throws -> Bool {
        for event in page.events { try await writer.write(event.frame) }
        // Of an open job nothing is ever missing: where nothing came, there is nothing up to the newest.
        seen = page.events.last?.seq ?? max(seen, page.newest)
        return page.isLast
    }
}
