import CSystem
import Glibc

/// What to run, as a value.
public struct ChildCommand: Sendable, Hashable {
    /// Absolute path; nothing is searched on PATH and no shell is involved.
    public var executable: String
    /// Without the name of the program itself.
    public var arguments: [String]
    /// The whole environment of the child.
    public var environment: [String: String]
    /// nil: that of this process.
    public var workingDirectory: String?
    /// Fed to the child's standard input, then end of file.
    public var input: [UInt8]
    /// No end of file while the child lives: it comes when the child has ended, or when this process has, however it ended.
    public var keepsInputOpen: Bool

    public init(
        _ executable: String, _ arguments: [String] = [], environment: [String: String] = [:],
        workingDirectory: String? = nil, input: [UInt8] = [], keepsInputOpen: Bool = false
    ) {
        self.executable = executable
        self.arguments = arguments
        self.environment = environment
        self.workingDirectory = workingDirectory
        self.input = input
        self.keepsInputOpen = keepsInputOpen
    }
}

/// How a child ended.
public enum ChildExit: Sendable, Hashable {
    case exited(code: Int32)
    case signalled(Int32)

    public var isSuccess: Bool { self == .exited(code: 0) }
}

/// What became of a child and its output.
public struct ChildResult: Sendable, Hashable {
    public let exit: ChildExit
    /// More was written than the cap lets through; the child's writes were still taken.
    public let outputWasCut: Bool

    public init(exit: ChildExit, outputWasCut: Bool) {
        self.exit = exit
        self.outputWasCut = outputWasCut
    }
}

/// A step of ending a process group.
public enum TeardownStep: Sendable, Hashable {
    /// Sends a signal to the whole group, then waits at most `grace` for the child to end.
    case signal(Int32, grace: Duration)
}

/// A child in a process group of its own, supervised from a loop.
public enum ChildProcess {
    public enum Stream: Sendable, Hashable { case output, error }

    /// TERM, ten seconds, KILL.
    public static let politeTeardown: [TeardownStep] = [
        .signal(SIGTERM, grace: .seconds(10)), .signal(SIGKILL, grace: .seconds(10)),
    ]

    /// Runs a command to its end. Loop only.
    ///
    /// When the task is cancelled or `onOutput` throws, the group is taken down by `teardown`. Whatever the outcome, the group is killed
    /// before this returns: no grandchild outlives the call, unless it left the group.
    ///
    /// - Parameters:
    ///   - outputBytesMax: bytes of both streams together that are handed on; the rest is read and dropped.
    ///   - onOutput: gets output as it arrives. The child is held back while it runs.
    /// - Throws: `SystemError` when the command cannot be started, `CancellationError`, or what `onOutput` throws.
    public static func run(
        _ command: ChildCommand, outputBytesMax: Int, teardown: [TeardownStep] = politeTeardown,
        onStart: (@Sendable (Int32) -> Void)? = nil,
        onOutput: @escaping @Sendable (Stream, [UInt8]) async throws -> Void
    ) async throws -> ChildResult {
        guard let loop = Loop.current else { preconditionFailure("children are supervised from a loop") }
        try Task.checkCancellation()
        let child = try SpawnedChild(command, on: loop)
        onStart?(child.pid)
        return try await child.supervise(
            input: command.input, thenClose: !command.keepsInputOpen, cap: OutputCap(outputBytesMax), teardown: teardown, onOutput: onOutput)
    }
}

/// Bytes that may still be handed on, shared by the readers of both streams, which run on one loop.
final class OutputCap: @unchecked Sendable {
    // @unchecked: touched on the child's loop only.
    private var left: Int
    private(set) var wasCut = false

    init(_ bytes: Int) { left = bytes }

    /// The part of a piece of `count` bytes that is still within the cap.
    func admit(_ count: Int) -> Int {
        let admitted = min(left, count)
        left -= admitted
        if admitted < count { wasCut = true }
        return admitted
    }
}
