import Encoding
import EventLoop
import Locking
import SiteControlDomain

/// What the watchers of one job in this process share: its latest events, ready to be sent, and a bell that rings when
/// there is more. Bounded in bytes; who is further behind than that reads the table for himself.
final class JobFeed: Sendable {
    /// What a watcher finds behind the number that it has seen.
    enum Found: Sendable {
        /// Frames that follow each other without a gap, up to the number given.
        case frames([[UInt8]], upTo: Int64)
        /// More than is kept here: the table has it.
        case behind
        /// Nothing yet.
        case nothing
        /// Nothing, and nothing will come.
        case end
    }

    private struct State {
        /// Numbers `newest - frames.count + 1 ... newest`.
        var frames: [[UInt8]] = []
        var bytes = 0
        var newest: Int64
        var status: JobStatus
        var isEnded: Bool
        var isReading = false
        var isReadingDueAgain = false
        var waiters: [Int: UnsafeContinuation<Void, Never>] = [:]
        var lastWaiter = 0
    }

    let job: UUID
    private let bytesMax: Int
    /// What a watcher takes at a time, and so holds while his client is slow.
    private let takeBytes: Int
    private let state: Locked<State>

    /// - Parameter page: what its first watcher read; events up to its newest number are in the table.
    init(_ job: UUID, at page: JobEventPage, limits: EventLimits) {
        self.job = job
        bytesMax = limits.sharedBytes
        takeBytes = limits.pageBytes
        // A job that has ended is what it is; the others are read again at once.
        state = Locked(State(newest: page.newest, status: page.status, isEnded: page.status.isFinal))
    }

    var newest: Int64 { state.withLock { $0.newest } }
    var status: JobStatus { state.withLock { $0.status } }

    func next(after seq: Int64) -> Found {
        state.withLock { state in
            if seq >= state.newest { return state.isEnded ? .end : .nothing }
            guard let missing = Int(exactly: state.newest - seq), missing <= state.frames.count else { return .behind }
            var taken: [[UInt8]] = []
            var bytes = 0
            for frame in state.frames.suffix(missing) {
                if !taken.isEmpty, bytes + frame.count > takeBytes { break }
                taken.append(frame)
                bytes += frame.count
            }
            return .frames(taken, upTo: seq + Int64(taken.count))
        }
    }

    // MARK: The reader's side

    /// Whether the caller is to read now. Where a reading is under way, another one will follow it.
    func beginReading() -> Bool {
        state.withLock { state in
            if state.isEnded { return false }
            if state.isReading { state.isReadingDueAgain = true } else {
                state.isReading = true
                return true
            }
            return false
        }
    }

    /// Takes over what was read; nil where reading failed.
    /// - Returns: whether the caller is to read again.
    func endReading(_ page: JobEventPage?) -> Bool {
        let (again, woken) = state.withLock { state -> (Bool, [UnsafeContinuation<Void, Never>]) in
            var isNew = false
            if let page {
                isNew = !page.events.isEmpty || page.isLast || page.status != state.status
                for event in page.events { keep(event, in: &state) }
                state.status = page.status
                if page.isLast { state.isEnded = true }
            }
            let isShort = page.map { !$0.isLast && !$0.events.isEmpty && state.newest < $0.newest } ?? false
            let again = !state.isEnded && (state.isReadingDueAgain || isShort)
            state.isReadingDueAgain = false
            state.isReading = again
            return (again, isNew ? Self.takeWaiters(&state) : [])
        }
        for waiter in woken { waiter.resume() }
        return again
    }

    private func keep(_ event: JobEvent, in state: inout State) {
        // A number that does not follow would make a gap: what is kept begins anew with it.
        if event.seq != state.newest + 1 {
            state.frames.removeAll()
            state.bytes = 0
        }
        let frame = event.frame
        state.frames.append(frame)
        state.bytes += frame.count
        state.newest = event.seq
        var dropped = 0
        while state.bytes > bytesMax, dropped < state.frames.count - 1 {
            state.bytes -= state.frames[dropped].count
            dropped += 1
        }
        state.frames.removeFirst(dropped)
    }

    // MARK: The bell

    /// Returns when there may be something behind `seq`, when the job is known to be in another state than `status`, after
    /// `limit`, or when everybody is told to look. On `loop` only; cancellation ends the wait too.
    func wait(after seq: Int64, status: JobStatus? = nil, for limit: Duration, on loop: Loop) async {
        let id = state.withLock { state in
            state.lastWaiter += 1
            return state.lastWaiter
        }
        let timer = loop.schedule(after: limit) { [self] in ring(id) }
        await withTaskCancellationHandler {
            await withUnsafeContinuation { continuation in
                let isDue = state.withLock { state in
                    if state.newest > seq || state.isEnded || (status.map { $0 != state.status } ?? false) { return true }
                    state.waiters[id] = continuation
                    return false
                }
                if isDue { return continuation.resume() }
                // Cancelled before there was anything to wake.
                if Task.isCancelled { ring(id) }
            }
        } onCancel: {
            ring(id)
        }
        loop.cancel(timer)
    }

    private func ring(_ waiter: Int) {
        state.withLock { $0.waiters.removeValue(forKey: waiter) }?.resume()
    }

    func ringAll() {
        for waiter in state.withLock({ Self.takeWaiters(&$0) }) { waiter.resume() }
    }

    private static func takeWaiters(_ state: inout State) -> [UnsafeContinuation<Void, Never>] {
        defer { state.waiters.removeAll() }
        return Array(state.waiters.values)
    }
}
