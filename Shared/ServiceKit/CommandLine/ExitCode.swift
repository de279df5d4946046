/// Exit codes of every executable.
public enum ExitCode: Int32, Sendable {
    case success = 0
    case failure = 1
    /// The command line was not understood.
    case usage = 2
    /// The configuration is not usable (EX_CONFIG of sysexits).
    case configuration = 78
}

/// A failure of a command that is told to the user in one line on stderr.
public struct CommandFailure: Error, Equatable {
    public let status: ExitCode
    public let message: String

    public init(_ message: String, status: ExitCode = .failure) {
        self.message = message
        self.status = status
    }
}
