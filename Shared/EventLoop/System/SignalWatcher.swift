import CSystem
import Glibc
import Synchronization

/// Delivers signals to a closure on a loop, whatever thread the kernel chose for them.
///
/// The handler only writes the number to a pipe (signal-safety(7)); the loop reads it. One watcher per process at a time.
public final class SignalWatcher: IOHandler {
    private let loop: Loop
    private let readEnd: Int32
    private let writeEnd: Int32
    private let signals: [Int32]
    private let onSignal: (Int32) -> Void
    private var watch: Watch?

    /// Starts catching. Loop only. The watcher lives until ``stop()``.
    public init(_ signals: [Int32], on loop: Loop, onSignal: @escaping (Int32) -> Void) throws(SystemError) {
        var pair: [Int32] = [-1, -1]
        guard pipe2(&pair, O_CLOEXEC | O_NONBLOCK) == 0 else { throw SystemError.last("pipe2") }
        self.loop = loop
        self.signals = signals
        self.onSignal = onSignal
        readEnd = pair[0]
        writeEnd = pair[1]
        super.init()
        watch = try loop.watch(readEnd, .read, trigger: .level, handler: self)
        signalPipe.store(writeEnd, ordering: .sequentiallyConsistent)
        for number in signals {
            var action = sigaction()
            action.__sigaction_handler.sa_handler = { number in
                let saved = csystem_errno()
                var byte = UInt8(truncatingIfNeeded: number)
                _ = write(signalPipe.load(ordering: .relaxed), &byte, 1)
                csystem_set_errno(saved)
            }
            action.sa_flags = Int32(SA_RESTART)
            sigaction(number, &action, nil)
        }
    }

    public override func ready(_ events: IOEvents) {
        var buffer = [UInt8](repeating: 0, count: 64)
        let count = read(readEnd, &buffer, buffer.count)
        for position in 0..<max(0, count) { onSignal(Int32(buffer[position])) }
    }

    /// Restores the default handling. Loop only. Idempotent.
    public func stop() {
        guard let watch else { return }
        for number in signals { _ = signal(number, SIG_DFL) }
        signalPipe.store(-1, ordering: .sequentiallyConsistent)
        loop.unwatch(watch)
        self.watch = nil
        Glibc.close(readEnd)
        Glibc.close(writeEnd)
    }
}

/// Where the signal handler writes; -1 when nobody watches.
private let signalPipe = Atomic<Int32>(-1)
