public import EventLoop
import Locking

/// Runs `body` on `loop` and gives up on it after `limit`: unlike `withTimeout` it does not wait for work that cannot be
/// cancelled, such as a statement that the server has and does not answer. The work is cancelled and left to end by itself.
///
/// - Throws: `TimeoutError` when the time is over, `CancellationError` when the caller is cancelled.
public func abandoning<T: Sendable>(
    after limit: Duration, on loop: Loop, _ body: @escaping @Sendable () async throws -> T
) async throws -> T {
    let race = Race<T>()
    return try await withTaskCancellationHandler {
        try await withUnsafeThrowingContinuation { continuation in
            race.begin(continuation)
            let work = Task(executorPreference: loop) {
                do { race.settle(.success(try await body())) } catch { race.settle(.failure(error)) }
            }
            loop.execute {
                guard !race.isSettled else { return }
                let timer = loop.schedule(after: limit) {
                    race.settle(.failure(TimeoutError()))
                    work.cancel()
                }
                race.whenSettled { loop.execute { loop.cancel(timer) } }
            }
        }
    } onCancel: {
        race.settle(.failure(CancellationError()))
    }
}

/// The first outcome counts.
private final class Race<T: Sendable>: Sendable {
    private struct State {
        var continuation: UnsafeContinuation<T, any Error>?
        /// Came before the continuation.
        var early: Result<T, any Error>?
        var isSettled = false
        var cleanUp: (@Sendable () -> Void)?
    }

    private let state = Locked(State())

    var isSettled: Bool { state.withLock { $0.isSettled } }

    func begin(_ continuation: UnsafeContinuation<T, any Error>) {
        let early = state.withLock { state -> Result<T, any Error>? in
            if state.early == nil { state.continuation = continuation }
            return state.early
        }
        if let early { continuation.resume(with: early) }
    }

    func settle(_ result: Result<T, any Error>) {
        let (continuation, cleanUp) = state.withLock { state -> (UnsafeContinuation<T, any Error>?, (@Sendable () -> Void)?) in
            guard !state.isSettled else { return (nil, nil) }
            state.isSettled = true
            if state.continuation == nil { state.early = result }
            defer {
                state.continuation = nil
                state.cleanUp = nil
            }
            return (state.continuation, state.cleanUp)
        }
        continuation?.resume(with: result)
        cleanUp?()
    }

    /// Runs `cleanUp` when the outcome is there, at once if it is.
    func whenSettled(_ cleanUp: @escaping @Sendable () -> Void) {
        let isLate = state.withLock { state in
            if !state.isSettled { state.cleanUp = cleanUp }
            return state.isSettled
        }
        if isLate { cleanUp() }
    }
}
