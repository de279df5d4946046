import Glibc

/// A value behind a lock: decide inside, act outside. Never held across an `await`.
///
/// A POSIX mutex (pthread_mutex_lock(3p)) rather than `Synchronization.Mutex`: ThreadSanitizer sees the order that it makes,
/// while the standard library's lock, once contended, hides it and every guarded access is reported.
public final class Locked<Value: Sendable>: @unchecked Sendable {
    // @unchecked: `value` is touched only while `mutex` is held; the pointer is constant.
    private let mutex: UnsafeMutablePointer<pthread_mutex_t>
    private var value: Value

    public init(_ value: Value) {
        mutex = .allocate(capacity: 1)
        mutex.initialize(to: pthread_mutex_t())
        pthread_mutex_init(mutex, nil)
        self.value = value
    }

    deinit {
        pthread_mutex_destroy(mutex)
        mutex.deinitialize(count: 1)
        mutex.deallocate()
    }

    /// Runs `body` with the value for itself. Not re-entrant.
    public func withLock<Result, Failure: Error>(
        _ body: (inout Value) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        pthread_mutex_lock(mutex)
        defer { pthread_mutex_unlock(mutex) }
        return try body(&value)
    }
}
