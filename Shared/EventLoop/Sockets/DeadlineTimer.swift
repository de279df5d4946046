/// A deadline that moves often and is reached seldom: moving it later stores a number, and the timer looks again when it fires.
///
/// Loop-bound. Call ``cancel()`` before letting go, or the timer keeps the action alive until it fires.
struct DeadlineTimer {
    private(set) var deadline: MonotonicTime?
    private var armed: (id: TimerID, at: MonotonicTime)?

    mutating func set(_ newDeadline: MonotonicTime?, on loop: Loop, _ action: @escaping () -> Void) {
        deadline = newDeadline
        guard let newDeadline else { return }
        if let armed {
            if armed.at <= newDeadline { return }
            loop.cancel(armed.id)
        }
        armed = (loop.schedule(at: newDeadline, action), newDeadline)
    }

    /// To be called by the action: whether the deadline is over. Arms the timer again when it has moved.
    mutating func fired(on loop: Loop, _ action: @escaping () -> Void) -> Bool {
        armed = nil
        guard let deadline else { return false }
        if deadline <= MonotonicTime.now() { return true }
        armed = (loop.schedule(at: deadline, action), deadline)
        return false
    }

    mutating func cancel(on loop: Loop) {
        deadline = nil
        if let armed { loop.cancel(armed.id) }
        armed = nil
    }
}
