import EventLoop
import Synchronization

/// Tells the service manager that the process is alive, but only while every loop turns.
final class Watchdog: Sendable {
    private final class Beat: Sendable {
        let turn = Atomic<Int>(0)
    }

    private let notifier: SystemdNotifier
    private let interval: Duration
    private let loops: [Loop]
    private let beats: [Beat]
    private let turn = Atomic<Int>(0)

    /// nil where no manager asked.
    init?(_ notifier: SystemdNotifier, _ group: LoopGroup) {
        guard let interval = notifier.watchdogInterval else { return nil }
        self.notifier = notifier
        self.interval = interval / 2
        loops = group.loops
        beats = group.loops.map { _ in Beat() }
    }

    /// On the first loop. Goes on for the life of the process.
    func start() {
        let current = turn.load(ordering: .relaxed)
        if beats.allSatisfy({ $0.turn.load(ordering: .acquiring) == current }) {
            notifier.watchdog()
            turn.store(current &+ 1, ordering: .relaxed)
            for (loop, beat) in zip(loops, beats) {
                loop.execute { beat.turn.store(current &+ 1, ordering: .releasing) }
            }
        }
        loops[0].schedule(after: interval) { [self] in start() }
    }
}
