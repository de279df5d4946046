public import EventLoop

/// Carries a loop-bound value into a task of the same loop.
struct SameLoop<Value>: @unchecked Sendable {
    // @unchecked: made and opened on one loop; the maker waits while the other task has it.
    let value: Value

    init(_ value: Value) { self.value = value }
}

/// Runs `body` on `loop`, which must be the current one, in a task that the caller's cancellation does not reach: for what
/// must be finished even where the client has left.
public func withoutCancellation<Result: Sendable>(on loop: Loop, _ body: @escaping @Sendable () async -> Result) async -> Result {
    await Task(executorPreference: loop) { await body() }.value
}
