import Synchronization

/// What is to be counted and logged once a streamed body has ended. It happens exactly once: at the latest when the
/// response is let go.
final class PendingReport: Sendable {
    private let isSettled = Atomic<Bool>(false)
    private let action: @Sendable (_ bytes: Int, _ error: (any Error)?) -> Void

    init(_ action: @escaping @Sendable (_ bytes: Int, _ error: (any Error)?) -> Void) { self.action = action }

    deinit { settle(bytes: 0, nil) }

    func settle(bytes: Int, _ error: (any Error)?) {
        guard !isSettled.exchange(true, ordering: .acquiringAndReleasing) else { return }
        action(bytes, error)
    }
}
