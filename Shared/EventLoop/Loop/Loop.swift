import CSystem
import Glibc
import Locking
import Synchronization

/// One thread with one epoll instance, which runs Swift tasks, timers and descriptor events.
///
/// As a `TaskExecutor` it runs every task that prefers it, together with that task's children, wholly on its thread.
/// A plain `Task {}` does not inherit the preference: start tasks with ``spawn(_:)``.
/// Waking another thread costs about 95 µs, so code on a loop should stay on it.
public final class Loop: TaskExecutor, @unchecked Sendable {
    // @unchecked: everything below `inbox` is touched by the loop's own thread only; `inbox` guards what others hand in.

    /// Position in its group, from 0.
    public let index: Int
    let name: String
    private let epoll: Int32
    private let wake: Int32

    private struct Inbox {
        var jobs: [UnownedJob] = []
        var closures: [@Sendable () -> Void] = []
    }
    private let inbox = Locked(Inbox())
    private let wakePending = Atomic<Bool>(false)
    private let stopRequested = Atomic<Bool>(false)
    /// Statistics that other threads read, written by the loop only.
    let statistics = LoopCounters()

    private var thread: pthread_t?
    private var jobs = JobRing(capacity: 1024)
    private var timers = TimerHeap()
    private var watches = WatchTable()
    private var tickEnd: [() -> Void] = []
    private var cachedNow = MonotonicTime.now()

    /// Jobs run before descriptors are looked at again.
    private static let jobsPerTick = 4096
    /// Time after which no further job is begun before descriptors are looked at again.
    private static let tickNanoseconds: UInt64 = 1_000_000
    private static let eventsPerTick = 256

    /// Makes the loop's descriptors; ``start()`` makes its thread.
    public init(index: Int = 0, name: String = "loop") {
        self.index = index
        self.name = name
        epoll = epoll_create1(Int32(EPOLL_CLOEXEC))
        wake = eventfd(0, Int32(EFD_NONBLOCK | EFD_CLOEXEC))
        precondition(epoll >= 0 && wake >= 0, "no descriptors for an event loop")
        var event = epoll_event()
        event.events = EPOLLIN.rawValue
        event.data.u64 = Loop.wakeTag
        precondition(epoll_ctl(epoll, EPOLL_CTL_ADD, wake, &event) == 0, "epoll_ctl")
    }

    deinit {
        Glibc.close(epoll)
        Glibc.close(wake)
    }

    // MARK: Where am I

    /// The loop whose thread this is.
    public static var current: Loop? { CurrentLoop.get() }

    public var isCurrent: Bool { CurrentLoop.get() === self }

    public func preconditionCurrent() {
        precondition(isCurrent, "called off its event loop")
    }

    /// The time at which this tick began. Off the loop, the present time.
    public var now: MonotonicTime { isCurrent ? cachedNow : MonotonicTime.now() }

    // MARK: Running things

    public func enqueue(_ job: consuming ExecutorJob) {
        let job = UnownedJob(job)
        if isCurrent {
            jobs.append(job)
        } else {
            inbox.withLock { $0.jobs.append(job) }
            wakeUp()
        }
    }

    public func asUnownedTaskExecutor() -> UnownedTaskExecutor {
        UnownedTaskExecutor(ordinary: self)
    }

    /// Runs `job` on this loop, soon. From any thread.
    public func execute(_ job: @escaping @Sendable () -> Void) {
        if isCurrent { return tickEnd.append(job) }
        inbox.withLock { $0.closures.append(job) }
        wakeUp()
    }

    /// Starts a task that stays on this loop. From any thread.
    @discardableResult
    public func spawn(_ body: @escaping @Sendable () async -> Void) -> Task<Void, Never> {
        Task(executorPreference: self) { await body() }
    }

    /// Runs `body` on this loop and returns its result; cancellation of the caller reaches it. From anywhere.
    public func run<T: Sendable>(_ body: @escaping @Sendable () async throws -> T) async throws -> T {
        if isCurrent { return try await body() }
        let task = Task(executorPreference: self) { try await body() }
        return try await withTaskCancellationHandler {
            try await task.value
        } onCancel: {
            task.cancel()
        }
    }

    /// Runs `job` once, after the ready jobs of this tick and before the loop sleeps: the place to write what a tick has gathered. Loop only.
    public func atEndOfTick(_ job: @escaping () -> Void) {
        preconditionCurrent()
        tickEnd.append(job)
    }

    // MARK: Timers

    /// Calls `body` on the loop once `delay` has passed. Loop only.
    @discardableResult
    public func schedule(after delay: Duration, _ body: @escaping () -> Void) -> TimerID {
        schedule(at: cachedNow + delay, body)
    }

    /// Calls `body` on the loop at `deadline`. Loop only.
    @discardableResult
    public func schedule(at deadline: MonotonicTime, _ body: @escaping () -> Void) -> TimerID {
        preconditionCurrent()
        let id = timers.makeID()
        timers.add(id, at: deadline, .call(body))
        return id
    }

    /// Forgets a timer; one that has fired is ignored. Loop only.
    public func cancel(_ id: TimerID) {
        preconditionCurrent()
        if case .resume(let continuation)? = timers.remove(id) {
            continuation.resume(throwing: CancellationError())
        }
    }

    /// Suspends the calling task for `duration`, or until it is cancelled (`CancellationError`). Loop only.
    public func sleep(for duration: Duration) async throws {
        preconditionCurrent()
        let id = timers.makeID()
        let deadline = MonotonicTime.now() + duration
        try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { (continuation: UnsafeContinuation<Void, any Error>) in
                if Task.isCancelled {
                    continuation.resume(throwing: CancellationError())
                } else {
                    timers.add(id, at: deadline, .resume(continuation))
                }
            }
        } onCancel: {
            // Never at once: the handler may run inside the registration above.
            self.execute { self.cancel(id) }
        }
    }

    // MARK: Descriptors

    /// Tells `handler` what happens on `fd`, and keeps it alive until ``unwatch(_:)``. Loop only.
    public func watch(
        _ fd: Int32, _ interest: Interest, trigger: Trigger, handler: IOHandler
    ) throws(SystemError) -> Watch {
        preconditionCurrent()
        let bits = trigger == .edge ? csystem_epollet() : 0
        let generation = watches.insert(fd, handler)
        let watch = Watch(fd: fd, generation: generation, trigger: bits)
        if control(EPOLL_CTL_ADD, watch, interest) != 0 {
            let error = SystemError.last("epoll_ctl")
            _ = watches.remove(fd, generation: generation)
            throw error
        }
        return watch
    }

    /// Changes what a handler is told about. Loop only.
    public func update(_ watch: Watch, _ interest: Interest) {
        preconditionCurrent()
        guard watches.contains(watch.fd, generation: watch.generation) else { return }
        _ = control(EPOLL_CTL_MOD, watch, interest)
    }

    /// Ends a registration. Call it before the descriptor is closed. Loop only.
    public func unwatch(_ watch: Watch) {
        preconditionCurrent()
        guard watches.remove(watch.fd, generation: watch.generation) != nil else { return }
        var unused = epoll_event()
        epoll_ctl(epoll, EPOLL_CTL_DEL, watch.fd, &unused)
    }

    private func control(_ operation: Int32, _ watch: Watch, _ interest: Interest) -> Int32 {
        var event = epoll_event()
        event.events = watch.trigger | EPOLLRDHUP.rawValue
        if interest.contains(.read) { event.events |= EPOLLIN.rawValue }
        if interest.contains(.write) { event.events |= EPOLLOUT.rawValue }
        event.data.u64 = UInt64(watch.generation) << 32 | UInt64(UInt32(bitPattern: watch.fd))
        return epoll_ctl(epoll, operation, watch.fd, &event)
    }

    // MARK: The thread

    /// Starts the loop's thread and returns once it runs.
    public func start() {
        precondition(thread == nil, "a loop starts once")
        thread = startThread(name: "\(name)-\(index)") { [self] in
            CurrentLoop.set(self)
            run()
            CurrentLoop.set(nil)
        }
    }

    /// Asks the thread to end once its ready jobs have run.
    public func stop() {
        stopRequested.store(true, ordering: .releasing)
        wakeUp()
    }

    /// Waits for the thread's end after ``stop()``. Never from the loop itself.
    public func join() {
        precondition(!isCurrent, "a loop cannot wait for its own end")
        guard let thread else { return }
        pthread_join(thread, nil)
        self.thread = nil
    }

    private static let wakeTag = UInt64.max

    private func wakeUp() {
        guard !wakePending.exchange(true, ordering: .acquiringAndReleasing) else { return }
        var one: UInt64 = 1
        _ = write(wake, &one, 8)
    }

    private func run() {
        let events = UnsafeMutablePointer<epoll_event>.allocate(capacity: Loop.eventsPerTick)
        defer { events.deallocate() }
        while true {
            runReady()
            if stopRequested.load(ordering: .acquiring), jobs.isEmpty, tickEnd.isEmpty { return }
            let timeout = millisecondsToSleep()
            let count = epoll_wait(epoll, events, Int32(Loop.eventsPerTick), timeout)
            cachedNow = MonotonicTime.now()
            for position in 0..<max(0, Int(count)) { dispatch(events[position]) }
            while let action = timers.takeDue(at: cachedNow) {
                switch action {
                case .call(let body): body()
                case .resume(let continuation): continuation.resume()
                }
            }
        }
    }

    /// Runs what is ready, and what that makes ready, until nothing is or this tick's share is used up: a task that always has more to do
    /// must not keep the descriptors waiting.
    private func runReady() {
        let executor = asUnownedTaskExecutor()
        var ran = 0
        while ran < Loop.jobsPerTick {
            while ran < Loop.jobsPerTick, let job = jobs.popFirst() {
                job.runSynchronously(on: executor)
                ran &+= 1
                if ran & 15 == 0, MonotonicTime.now().nanoseconds &- cachedNow.nanoseconds > Loop.tickNanoseconds { break }
            }
            if tickEnd.isEmpty { break }
            var batch: [() -> Void] = []
            swap(&batch, &tickEnd)
            for job in batch { job() }
        }
        statistics.tickEnded(began: cachedNow, jobs: ran)
    }

    private func millisecondsToSleep() -> Int32 {
        if !jobs.isEmpty || !tickEnd.isEmpty || stopRequested.load(ordering: .relaxed) { return 0 }
        guard let deadline = timers.nextDeadline else { return -1 }
        let now = MonotonicTime.now()
        if deadline <= now { return 0 }
        let milliseconds = (deadline.nanoseconds - now.nanoseconds) / 1_000_000 + 1
        return Int32(truncatingIfNeeded: min(milliseconds, 3_600_000))
    }

    private func dispatch(_ event: epoll_event) {
        let tag = event.data.u64
        if tag == Loop.wakeTag { return takeInbox() }
        let fd = Int32(truncatingIfNeeded: tag & 0xffff_ffff)
        guard let handler = watches.handler(fd, generation: UInt32(truncatingIfNeeded: tag >> 32)) else { return }
        let bits = event.events
        var seen: IOEvents = []
        if bits & EPOLLIN.rawValue != 0 { seen.insert(.readable) }
        if bits & EPOLLOUT.rawValue != 0 { seen.insert(.writable) }
        if bits & EPOLLRDHUP.rawValue != 0 { seen.insert(.peerClosed) }
        if bits & (EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0 { seen.insert(.broken) }
        handler.ready(seen)
    }

    private func takeInbox() {
        var value: UInt64 = 0
        _ = read(wake, &value, 8)
        wakePending.store(false, ordering: .sequentiallyConsistent)
        let taken = inbox.withLock { inbox in
            let taken = inbox
            inbox = Inbox()
            return taken
        }
        for job in taken.jobs { jobs.append(job) }
        for closure in taken.closures { closure() }
    }
}
