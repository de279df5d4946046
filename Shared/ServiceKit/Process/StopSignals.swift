import EventLoop
import Glibc

/// Waits for what ends a process, and for what makes it read its certificates again.
final class StopSignals: @unchecked Sendable {
    // @unchecked: everything here is touched on the one loop that the signals are delivered to.
    private let loop: Loop
    private let onReload: @Sendable () -> Void
    private var watcher: SignalWatcher?
    private var waiting: UnsafeContinuation<Int32, Never>?
    private var received: Int32?

    init(on loop: Loop, onReload: @escaping @Sendable () -> Void) {
        self.loop = loop
        self.onReload = onReload
    }

    /// Catches SIGTERM, SIGINT and SIGHUP from now on. A second SIGTERM or SIGINT ends the process at once.
    func start() async throws {
        try await loop.run { [self] in
            watcher = try SignalWatcher([SIGTERM, SIGINT, SIGHUP], on: loop) { [unowned self] number in deliver(number) }
        }
    }

    /// The first signal that asks the process to end.
    func wait() async -> Int32 {
        await withUnsafeContinuation { continuation in
            loop.execute { [self] in
                if let received { continuation.resume(returning: received) } else { waiting = continuation }
            }
        }
    }

    private func deliver(_ number: Int32) {
        if number == SIGHUP { return onReload() }
        guard received == nil else { _exit(ExitCode.failure.rawValue) }
        received = number
        waiting?.resume(returning: number)
        waiting = nil
    }
}
