import EventLoop
import Locking

/// A run under way in this process: its lease, and the way to stop it.
final class RunningAttempt: Sendable {
    private struct State {
        var leaseEnds: MonotonicTime
        var stop: JobEnding.StopReason?
        var work: Task<AttemptReport, Never>?
    }

    let job: JobTicket
    private let state: Locked<State>

    /// - Parameter leaseEnds: on this machine's clock, never later than in the database.
    init(job: JobTicket, leaseEnds: MonotonicTime) {
        self.job = job
        state = Locked(State(leaseEnds: leaseEnds))
    }

    var leaseEnds: MonotonicTime { state.withLock { $0.leaseEnds } }

    var stopReason: JobEnding.StopReason? { state.withLock { $0.stop } }

    /// The outcome may still be recorded, as far as this process knows.
    var holdsLease: Bool { state.withLock { $0.stop != .leaseLost && $0.leaseEnds > .now() } }

    /// The work has begun. It is stopped at once where that was asked for before.
    func begin(_ work: Task<AttemptReport, Never>) {
        let isStopped = state.withLock { state in
            state.work = work
            return state.stop != nil
        }
        if isStopped { work.cancel() }
    }

    func renew(until end: MonotonicTime) {
        state.withLock { $0.leaseEnds = max($0.leaseEnds, end) }
    }

    /// Tells the run to stop. The first reason counts, except that a lost lease outweighs any other.
    /// - Returns: whether this call changed anything.
    @discardableResult
    func stop(_ reason: JobEnding.StopReason) -> Bool {
        let (isNews, work) = state.withLock { state -> (Bool, Task<AttemptReport, Never>?) in
            guard state.stop == nil || (reason == .leaseLost && state.stop != .leaseLost) else { return (false, nil) }
            state.stop = reason
            return (true, state.work)
        }
        work?.cancel()
        return isNews
    }
}
