import CSystem
import Glibc
import Synchronization

/// The loops of a process, usually one per core.
public final class LoopGroup: Sendable {
    public let loops: [Loop]
    private let next = Atomic<Int>(0)

    /// Processors this process may run on.
    public static var coreCount: Int { max(1, sysconf(Int32(_SC_NPROCESSORS_ONLN))) }

    /// Also ignores SIGPIPE for the whole process: a write to a closed peer is an error value, not a death.
    public init(count: Int = LoopGroup.coreCount, name: String = "loop") {
        precondition(count > 0, "a group has at least one loop")
        _ = signal(SIGPIPE, SIG_IGN)
        loops = (0..<count).map { Loop(index: $0, name: name) }
    }

    public func start() {
        for loop in loops { loop.start() }
    }

    /// Ends and joins all threads. Tasks that still wait on a loop never continue: finish them first.
    public func shutdown() {
        for loop in loops { loop.stop() }
        for loop in loops { loop.join() }
    }

    /// Loops in turn, for work that belongs to none. From any thread.
    public func nextLoop() -> Loop {
        let ticket = next.wrappingAdd(1, ordering: .relaxed).oldValue
        return loops[Int(UInt(bitPattern: ticket) % UInt(loops.count))]
    }
}
