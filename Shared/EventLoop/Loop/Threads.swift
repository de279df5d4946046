import CSystem
import Glibc
import Synchronization

/// The loop of a thread, kept in thread-specific data.
enum CurrentLoop {
    private static let key: pthread_key_t = {
        var key = pthread_key_t()
        precondition(pthread_key_create(&key, nil) == 0, "no thread-specific data left")
        return key
    }()

    static func get() -> Loop? {
        guard let pointer = pthread_getspecific(key) else { return nil }
        return Unmanaged<Loop>.fromOpaque(pointer).takeUnretainedValue()
    }

    static func set(_ loop: Loop?) {
        pthread_setspecific(key, loop.map { Unmanaged.passUnretained($0).toOpaque() })
    }
}

private final class ThreadStart {
    let name: String
    let body: @Sendable () -> Void
    init(name: String, body: @escaping @Sendable () -> Void) {
        self.name = name
        self.body = body
    }
}

/// Starts a named, joinable thread. The name is cut to the 15 bytes that the kernel keeps.
func startThread(name: String, _ body: @escaping @Sendable () -> Void) -> pthread_t {
    var thread = pthread_t()
    let start = Unmanaged.passRetained(ThreadStart(name: name, body: body))
    let status = pthread_create(
        &thread, nil,
        { argument in
            guard let argument else { return nil }
            let start = Unmanaged<ThreadStart>.fromOpaque(argument).takeRetainedValue()
            csystem_name_thread(start.name)
            start.body()
            return nil
        }, start.toOpaque())
    precondition(status == 0, "no thread could be started")
    return thread
}
