public import EventLoop
import Glibc
import Locking

/// A service's executable running as a process of its own, as an operator would run it.
///
/// It dies with the test process. Its log is kept and shown when it does not become ready.
public final class ServiceUnderTest: Sendable {
    public struct DidNotStart: Error, CustomStringConvertible {
        public let description: String
    }

    private struct State {
        var pid: Int32?
        var log: [UInt8] = []
        var exit: ChildExit?
    }

    public let address: SocketAddress
    private let state = Locked(State())
    private let ended: Task<Void, Never>

    private init(executable: String, arguments: [String], environment: [String: String], address: SocketAddress) {
        self.address = address
        let state = state
        // setpriv lets the kernel kill the service when the thread that started it ends.
        let command = ChildCommand(
            "/usr/bin/setpriv", ["--pdeathsig", "KILL", "--", executable] + arguments, environment: environment)
        ended = Task {
            let result = try? await TestLoops.run {
                try await ChildProcess.run(
                    command, outputBytesMax: 64 << 20, onStart: { pid in state.withLock { $0.pid = pid } }
                ) { _, bytes in state.withLock { $0.log += bytes } }
            }
            state.withLock { $0.exit = result?.exit ?? .exited(code: -1) }
        }
    }

    /// Starts `NAME serve` and waits until it answers 200 on `/readyz`.
    public static func start(
        _ name: String, environment: [String: String], arguments: [String] = ["serve"], awaitReady: Bool = true
    ) async throws -> ServiceUnderTest {
        let port = try freePort()
        let address = try SocketAddress(parsing: "127.0.0.1:\(port)")
        var environment = environment
        environment["TRIVET_LISTEN"] = address.description
        environment["PATH"] = "/usr/local/bin:/usr/bin:/bin"
        let service = ServiceUnderTest(
            executable: try executable(name), arguments: arguments, environment: environment, address: address)
        if awaitReady { try await service.awaitReady() }
        return service
    }

    /// Waits until `/readyz` answers 200.
    public func awaitReady(within limit: Duration = .seconds(60)) async throws {
        let deadline = MonotonicTime.now() + limit
        while MonotonicTime.now() < deadline {
            if exit != nil { break }
            let response = try? await TestClient.exchange(address, "GET", "/readyz")
            if response?.status == 200 { return }
            try await Task.sleep(for: .milliseconds(10))
        }
        throw DidNotStart(description: "not ready; exit: \(String(describing: exit)); log:\n\(log)")
    }

    public var pid: Int32? { state.withLock { $0.pid } }
    public var log: String { String(decoding: state.withLock { $0.log }, as: UTF8.self) }
    /// nil while it runs.
    public var exit: ChildExit? { state.withLock { $0.exit } }

    public func signal(_ number: Int32) {
        if let pid, exit == nil { kill(pid, number) }
    }

    /// Sends `number` (SIGTERM when none is given) and waits for the end.
    @discardableResult
    public func end(with number: Int32 = 15) async -> ChildExit {
        signal(number)
        await ended.value
        return exit ?? .exited(code: -1)
    }

    /// Where the build put the executables: beside the test bundle, or in TRIVET_BIN_DIR.
    public static func executable(_ name: String) throws -> String {
        var directories: [String] = []
        if let given = getenv("TRIVET_BIN_DIR") { directories.append(String(cString: given)) }
        if let own = realpath("/proc/self/exe", nil) {
            defer { free(own) }
            directories.append(parent(String(cString: own)))
        }
        directories += CommandLine.arguments.filter { $0.hasSuffix(".xctest") }.map(parent)
        for directory in directories where access("\(directory)/\(name)", X_OK) == 0 { return "\(directory)/\(name)" }
        throw DidNotStart(description: "no executable \(name) in \(directories)")
    }

    private static func parent(_ path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? "."
    }

    /// A port that was free a moment ago.
    public static func freePort() throws -> UInt16 {
        let fd = try Acceptor.bind(try SocketAddress(parsing: "127.0.0.1:0"), reusePort: false, backlog: 1)
        defer { close(fd) }
        return SocketAddress.local(of: fd)?.port ?? 0
    }

    /// Runs a command of the service to its end (`migrate`, `token create`, …) and returns its exit and output.
    public static func run(
        _ name: String, _ arguments: [String], environment: [String: String]
    ) async throws -> (exit: ChildExit, output: String, error: String) {
        let output = Locked((out: [UInt8](), err: [UInt8]()))
        var environment = environment
        environment["PATH"] = "/usr/local/bin:/usr/bin:/bin"
        let command = ChildCommand(try executable(name), arguments, environment: environment)
        let result = try await TestLoops.run {
            try await ChildProcess.run(command, outputBytesMax: 16 << 20) { stream, bytes in
                output.withLock { if stream == .output { $0.out += bytes } else { $0.err += bytes } }
            }
        }
        let text = output.withLock { (String(decoding: $0.out, as: UTF8.self), String(decoding: $0.err, as: UTF8.self)) }
        return (result.exit, text.0, text.1)
    }
}
