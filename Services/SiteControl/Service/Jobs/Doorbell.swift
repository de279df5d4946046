import Locking

/// Wakes one waiting task. Rung while nobody waits, it is heard at the next wait; rung often, it is heard once.
final class Doorbell: Sendable {
    private struct State {
        var isRung = false
        var waiter: UnsafeContinuation<Void, Never>?
    }

    private let state = Locked(State())

    /// From any thread.
    func ring() {
        let waiter = state.withLock { state -> UnsafeContinuation<Void, Never>? in
            guard let waiter = state.waiter else {
                state.isRung = true
                return nil
            }
            state.waiter = nil
            return waiter
        }
        waiter?.resume()
    }

    /// For one task at a time. Cancellation does not end it: whoever cancels rings.
    func wait() async {
        await withUnsafeContinuation { continuation in
            let wasRung = state.withLock { state -> Bool in
                precondition(state.waiter == nil, "two tasks wait for one bell")
                guard !state.isRung else {
                    state.isRung = false
                    return true
                }
                state.waiter = continuation
                return false
            }
            if wasRung { continuation.resume() }
        }
    }
}
