import Glibc
import Locking
import Synchronization

/// A few threads for work that blocks: scrypt, name lookup, directory scans, fsync. Never run such work on a loop.
public final class BlockingPool: Sendable {
    /// The queue is full: the caller should answer 503 rather than wait.
    public struct QueueFull: Error, Hashable {
        public let limit: Int

        public init(limit: Int) { self.limit = limit }
    }

    private struct State {
        var queue: [@Sendable () -> Void] = []
        var head = 0
        var idle = 0
        var threads = 0
        var waiting: Int { queue.count - head }

        mutating func pop() -> (@Sendable () -> Void)? {
            guard head < queue.count else { return nil }
            let work = queue[head]
            head += 1
            if head == queue.count || head > 1024 {
                queue.removeFirst(head)
                head = 0
            }
            return work
        }
    }

    private let state = Locked(State())
    private let wake = WakeSemaphore()
    private let threads: Int
    private let queueLimit: Int
    private let name: String

    /// Threads start when they are first needed and live as long as the process.
    ///
    /// - Parameter queueLimit: pieces of work that may wait for a thread.
    public init(threads: Int, queueLimit: Int = 1024, name: String = "blocking") {
        precondition(threads > 0 && queueLimit >= 0, "a pool needs threads")
        self.threads = threads
        self.queueLimit = queueLimit
        self.name = name
    }

    /// Runs `work` on a thread of the pool; the caller goes on where it was. Work that has begun is not interrupted by cancellation; work still queued is skipped.
    ///
    /// - Throws: ``QueueFull``, `CancellationError`, or what `work` throws.
    public func run<T: Sendable>(_ work: @escaping @Sendable () throws -> T) async throws -> T {
        let cancelled = Flag()
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<T, any Error>) in
                // A caller from a loop is resumed by its loop: it has suspended by then, so nothing of its frame is touched by two threads.
                let loop = Loop.current
                let accepted = submit {
                    let result = cancelled.isSet ? .failure(CancellationError()) : Result { try work() }
                    guard let loop else { return continuation.resume(with: result) }
                    loop.execute { continuation.resume(with: result) }
                }
                if !accepted { continuation.resume(throwing: QueueFull(limit: queueLimit)) }
            }
        } onCancel: {
            cancelled.set()
        }
    }

    /// Pieces of work that wait for a thread.
    public var queueDepth: Int { state.withLock { $0.waiting } }

    private func submit(_ work: @escaping @Sendable () -> Void) -> Bool {
        enum Outcome { case refused, queued, needsThread }
        let outcome = state.withLock { state -> Outcome in
            let mayStart = state.threads < threads
            guard state.waiting < queueLimit + state.idle + (mayStart ? 1 : 0) else { return .refused }
            state.queue.append(work)
            if state.idle < state.waiting, mayStart {
                state.threads += 1
                return .needsThread
            }
            return .queued
        }
        switch outcome {
        case .refused: return false
        case .queued: wake.signal()
        case .needsThread:
            pthread_detach(startThread(name: name) { [self] in serve() })
            wake.signal()
        }
        return true
    }

    private func serve() -> Never {
        while true {
            if let next = state.withLock({ $0.pop() }) {
                next()
                continue
            }
            state.withLock { $0.idle += 1 }
            wake.wait()
            state.withLock { $0.idle -= 1 }
        }
    }
}

/// A one-way switch between threads.
final class Flag: Sendable {
    private let value = Atomic<Bool>(false)
    var isSet: Bool { value.load(ordering: .acquiring) }
    func set() { value.store(true, ordering: .releasing) }
}

/// sem_t at an address that does not move.
private final class WakeSemaphore: @unchecked Sendable {
    // @unchecked: sem_t is made for use by several threads, and the pointer is constant.
    private let semaphore = UnsafeMutablePointer<sem_t>.allocate(capacity: 1)

    init() { sem_init(semaphore, 0, 0) }

    deinit {
        sem_destroy(semaphore)
        semaphore.deallocate()
    }

    func signal() { sem_post(semaphore) }

    func wait() {
        while sem_wait(semaphore) != 0 {}
    }
}
