internal import CLibpq
import EventLoop
import Locking

/// One attempt to connect, within a time limit. Loop-bound.
final class ConnectAttempt: IOHandler {
    private let loop: Loop
    private let settings: ConnectionSettings
    private let pool: BlockingPool
    private var handle: PGHandle?
    private var watch: Watch?
    private var timer: TimerID?
    private var outcome: Result<PGHandle, DatabaseError>?
    private var continuation: UnsafeContinuation<Void, Never>?

    private init(_ settings: ConnectionSettings, on loop: Loop, pool: BlockingPool) {
        self.settings = settings
        self.loop = loop
        self.pool = pool
    }

    /// Connects, or says why not. To be called on the loop.
    static func run(
        _ settings: ConnectionSettings, on loop: Loop, pool: BlockingPool, timeout: Duration
    ) async throws(DatabaseError) -> PGHandle {
        let attempt = ConnectAttempt(settings, on: loop, pool: pool)
        attempt.begin(timeout: timeout)
        if attempt.outcome == nil { await withUnsafeContinuation { attempt.continuation = $0 } }
        guard let outcome = attempt.outcome else {
            throw .unavailable(reason: "not connected", outcomeUnknown: false)
        }
        return try outcome.get()
    }

    private func begin(timeout: Duration) {
        timer = loop.schedule(after: timeout) { [weak self] in
            self?.timer = nil
            self?.end(.failure(.unavailable(reason: "connecting took too long", outcomeUnknown: false)))
        }
        let box = LoopBound(self, on: loop)
        let settings = settings, pool = pool
        let made = Locked<PGHandle?>(nil)
        // The name lookup inside blocks.
        loop.spawn {
            do {
                try await pool.run {
                    let handle = PGHandle(starting: settings)
                    made.withLock { $0 = handle }
                }
                box.value.started(made.withLock { $0 })
            } catch {
                box.value.end(
                    .failure(.unavailable(reason: "too many connections are being made", outcomeUnknown: false)))
            }
        }
    }

    private func started(_ handle: PGHandle?) {
        guard outcome == nil else { return }
        guard let handle else {
            return end(.failure(.unavailable(reason: "out of memory", outcomeUnknown: false)))
        }
        self.handle = handle
        if handle.isBroken { return fail(handle) }
        // As libpq asks: as if the last poll had said "writing".
        wait(for: .write)
    }

    override func ready(_ events: IOEvents) {
        guard let handle, outcome == nil else { return }
        // libpq may close the socket and open another one under the same number.
        stopWatching()
        switch PQconnectPoll(handle.raw) {
        case PGRES_POLLING_OK: end(.success(handle))
        case PGRES_POLLING_READING: wait(for: .read)
        case PGRES_POLLING_WRITING: wait(for: .write)
        default: fail(handle)
        }
    }

    private func wait(for interest: Interest) {
        guard let handle else { return }
        do {
            watch = try loop.watch(handle.socket, interest, trigger: .level, handler: self)
        } catch {
            end(.failure(.unavailable(reason: "the socket cannot be watched", outcomeUnknown: false)))
        }
    }

    private func fail(_ handle: PGHandle) {
        end(.failure(.unavailable(reason: handle.message, outcomeUnknown: false)))
    }

    private func stopWatching() {
        if let watch { loop.unwatch(watch) }
        watch = nil
    }

    private func end(_ result: Result<PGHandle, DatabaseError>) {
        guard outcome == nil else { return }
        outcome = result
        stopWatching()
        handle = nil
        if let timer { loop.cancel(timer) }
        timer = nil
        continuation?.resume()
        continuation = nil
    }
}
