import CSystem
import Glibc

/// A failed system call: which one, and its errno.
public struct SystemError: Error, Hashable, CustomStringConvertible {
    /// The errno the call left, see errno(3).
    public let errno: Int32
    /// Name of the call, such as `"bind"`.
    public let call: String

    public init(errno: Int32, call: String) {
        self.errno = errno
        self.call = call
    }

    /// The error of the call that has just failed on this thread. Ask for it before any `await`.
    static func last(_ call: String) -> SystemError {
        SystemError(errno: csystem_errno(), call: call)
    }

    public var description: String {
        var text = [CChar](repeating: 0, count: 128)
        guard strerror_r(errno, &text, text.count) == 0 else { return "\(call): errno \(errno)" }
        return "\(call): \(text.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" })"
    }
}
