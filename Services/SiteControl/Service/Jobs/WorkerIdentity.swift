import Encoding
import Glibc

/// The name of a worker process as jobs show it (`locked_by`): host, process id and a number of this very start, for in
/// containers process ids repeat.
struct WorkerIdentity: Sendable, Hashable, CustomStringConvertible {
    let description: String

    init(host: String, processID: Int32, start: UUID) {
        description = "\(host):\(processID):\(start)"
    }

    /// Of this process, another one at every call.
    static func make() -> WorkerIdentity {
        WorkerIdentity(host: hostName(), processID: getpid(), start: UUID.random())
    }

    private static func hostName() -> String {
        var name = [CChar](repeating: 0, count: 256)
        // One byte less than there is: a name that was cut has no end of its own.
        let failed = gethostname(&name, name.count - 1)
        let text = String(decoding: name.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return failed != 0 || text.isEmpty ? "unknown" : text
    }
}
