public import EventLoop
import Glibc
import Locking

/// A double of another system from `Tests/doubles/`, running as a process on a free port. It dies with the test process.
public final class DoubleProcess: Sendable {
    public struct DidNotStart: Error, CustomStringConvertible {
        /// What it wrote.
        public let description: String
    }

    public let address: SocketAddress
    /// `http://127.0.0.1:PORT` or `https://…`
    public let url: String
    private let ended: Task<Void, Never>

    private init(address: SocketAddress, url: String, ended: Task<Void, Never>) {
        self.address = address
        self.url = url
        self.ended = ended
    }

    /// Starts `Tests/doubles/NAME.py` and waits until it says where it listens.
    ///
    /// - Parameter arguments: as its `--help` lists them; the port is chosen.
    public static func start(_ name: String, _ arguments: [String]) async throws -> DoubleProcess {
        let root = #filePath.ranges(of: "Tests/TestSupport/").first.map { #filePath[..<$0.lowerBound] } ?? ""
        let output = Locked("")
        let hasEnded = Locked(false)
        let command = ChildCommand(
            "/usr/bin/setpriv",
            ["--pdeathsig", "KILL", "--", "/usr/bin/python3", "-I", "\(root)Tests/doubles/\(name).py", "--port", "0"]
                + arguments,
            environment: ["PATH": "/usr/local/bin:/usr/bin:/bin"])
        let ended = Task {
            _ = try? await TestLoops.run {
                try await ChildProcess.run(command, outputBytesMax: 1 << 20) { _, bytes in
                    output.withLock { $0 += String(decoding: bytes, as: UTF8.self) }
                }
            }
            hasEnded.withLock { $0 = true }
        }
        while true {
            let text = output.withLock { $0 }
            if let line = text.split(separator: "\n").first(where: { $0.hasPrefix("listening on ") }), text.hasSuffix("\n") {
                let url = String(line.dropFirst("listening on ".count))
                guard let authority = url.split(separator: "/").last else { break }
                return DoubleProcess(address: try SocketAddress(parsing: String(authority)), url: url, ended: ended)
            }
            if hasEnded.withLock({ $0 }) { break }
            try await Task.sleep(for: .milliseconds(5))
        }
        throw DidNotStart(description: output.withLock { $0 })
    }

    /// Ends the process.
    public func stop() async {
        ended.cancel()
        await ended.value
    }
}
