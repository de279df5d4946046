import Encoding
import EventLoop
import Locking
import Postgres
import ServiceKit

/// Gathers what a run tells of itself and writes it in batches, each one fenced statement, a few times a second at most.
///
/// Nobody waits for the database: what a run may tell is bounded, so that all of it fits into memory while the database is away.
final class ProgressBuffer: AttemptProgress {
    /// Bytes of output lines that are kept of one attempt; an event says that there was more.
    static let outputBytesMax = 1 << 20
    /// Bytes of structured progress that are kept of one attempt.
    static let progressBytesMax = 1 << 20
    /// Longest line of output that is kept, in bytes.
    static let lineBytesMax = 16_384
    /// Events of one statement, and the bytes that make one full.
    static let batchMax = 500
    static let batchBytesMax = 64 << 10
    /// Pause after a write that failed.
    private static let retryPause: Duration = .seconds(1)

    private struct State {
        var pending: [NewJobEvent] = []
        var pendingBytes = 0
        var outputBytes = 0
        var progressBytes = 0
        var outputWasCut = false
        var isClosed = false
        /// The run no longer holds its job.
        var isLost = false
        var writer: Task<Void, Never>?
    }

    private let job: UUID
    private let term: Int64
    private let database: Database
    private let signals: JobSignals
    private let interval: Duration
    private let loop: Loop
    private let logger: Logger
    private let state = Locked(State())
    private let full = Doorbell()

    init(
        job: UUID, term: Int64, database: Database, signals: JobSignals, interval: Duration, loop: Loop, logger: Logger
    ) {
        self.job = job
        self.term = term
        self.database = database
        self.signals = signals
        self.interval = interval
        self.loop = loop
        self.logger = logger
    }

    func line(_ stream: OutputStream, _ text: String) async {
        let text = StoredText.tail(text, max: Self.lineBytesMax)
        let event = state.withLock { state -> NewJobEvent? in
            guard !state.outputWasCut else { return nil }
            state.outputBytes += text.utf8.count + 1
            state.outputWasCut = state.outputBytes > Self.outputBytesMax
            return state.outputWasCut ? Self.cut(stream) : Self.output(stream, text)
        }
        if let event { add(event, bytes: text.utf8.count + 48) }
    }

    func event(_ data: JSONObject) async {
        let data = StoredText.withoutNUL(data)
        let bytes = JSONValue.object(data).bytes.count
        let fits = state.withLock { state -> Bool in
            state.progressBytes += bytes
            return state.progressBytes <= Self.progressBytesMax
        }
        if fits { add(NewJobEvent(.progress, data), bytes: bytes) }
    }

    /// Ends the writing, whatever state it is in.
    /// - Returns: what is not written yet, for the transaction that records the outcome.
    func close() async -> [NewJobEvent] {
        let writer = state.withLock { state -> Task<Void, Never>? in
            state.isClosed = true
            return state.writer
        }
        full.ring()
        await writer?.value
        return state.withLock { state in
            defer { state.pending = [] }
            return state.isLost ? [] : state.pending
        }
    }

    // MARK: Writing

    private func add(_ event: NewJobEvent, bytes: Int) {
        let isFull = state.withLock { state -> Bool in
            guard !state.isClosed, !state.isLost else { return false }
            state.pending.append(event)
            state.pendingBytes += bytes
            if state.writer == nil { state.writer = loop.spawn { await self.write() } }
            return state.pending.count >= Self.batchMax || state.pendingBytes >= Self.batchBytesMax
        }
        if isFull { full.ring() }
    }

    /// Until nothing has come for one interval.
    private func write() async {
        while true {
            await pause(interval)
            let batch = state.withLock { state -> [NewJobEvent] in
                if state.isClosed || state.isLost || state.pending.isEmpty {
                    state.writer = nil
                    return []
                }
                let batch = Array(state.pending.prefix(Self.batchMax))
                state.pending.removeFirst(batch.count)
                state.pendingBytes = state.pending.isEmpty ? 0 : state.pendingBytes
                return batch
            }
            if batch.isEmpty { return }
            await write(batch)
        }
    }

    private func write(_ batch: [NewJobEvent]) async {
        do {
            let count = try await database.execute(JobEvents.append(job, term: term, batch), lane: .write)
            if count == 0 { state.withLock { $0.isLost = true } } else { signals.send([.event(job)]) }
        } catch {
            if case .server(let cause) = error, !cause.state.isTransient {
                logger.warn("progress of a job was not kept", .text("job", job.description), .error(error))
                return
            }
            // Where the answer was lost readers may see some of it twice: better than a gap.
            let isClosed = state.withLock { state in
                state.pending.insert(contentsOf: batch, at: 0)
                return state.isClosed
            }
            if !isClosed { await pause(Self.retryPause) }
        }
    }

    /// Ended early by a full batch, and by the end of the run.
    private func pause(_ duration: Duration) async {
        let bell = full
        let timer = loop.schedule(after: duration) { bell.ring() }
        await bell.wait()
        loop.cancel(timer)
    }

    private static func output(_ stream: OutputStream, _ text: String) -> NewJobEvent {
        var data = JSONObject()
        data["stream"] = .string(stream.rawValue)
        data["line"] = .string(text)
        return NewJobEvent(.output, data)
    }

    private static func cut(_ stream: OutputStream) -> NewJobEvent {
        var data = JSONObject()
        data["stream"] = .string(stream.rawValue)
        data["truncated"] = true
        return NewJobEvent(.output, data)
    }
}
