/// Thrown by ``withTimeout(_:_:)`` when the time is over.
public struct TimeoutError: Error, Hashable {
    public init() {}
}

/// Runs `body` for at most `duration`, then cancels it and throws `TimeoutError` once it has returned.
///
/// On a loop both the work and the clock stay on it. Cancellation of the caller reaches `body`.
public func withTimeout<T: Sendable>(
    _ duration: Duration, _ body: @escaping @Sendable () async throws -> T
) async throws -> T {
    try await withThrowingTaskGroup(of: T?.self) { group in
        group.addTask { try await body() }
        group.addTask {
            if let loop = Loop.current {
                try await loop.sleep(for: duration)
            } else {
                try await Task.sleep(for: duration)
            }
            return nil
        }
        defer { group.cancelAll() }
        guard let first = try await group.next(), let value = first else { throw TimeoutError() }
        return value
    }
}
