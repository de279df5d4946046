import Glibc

/// Where a command writes for its user: results to `out`, everything else to `error`.
public struct Console: Sendable {
    private let writeOut: @Sendable (String) -> Void
    private let writeError: @Sendable (String) -> Void

    public init(out: @escaping @Sendable (String) -> Void, error: @escaping @Sendable (String) -> Void) {
        writeOut = out
        writeError = error
    }

    /// Stdout and stderr of the process. A write may block, so this is not for use on a loop.
    public static let standard = Console(
        out: { Console.write($0, to: STDOUT_FILENO) }, error: { Console.write($0, to: STDERR_FILENO) })

    /// Writes one line to stdout.
    public func line(_ text: String) { writeOut(text + "\n") }

    /// Writes one line to stderr.
    public func error(_ text: String) { writeError(text + "\n") }

    private static func write(_ text: String, to descriptor: Int32) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }
}
