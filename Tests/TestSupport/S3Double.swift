public import EventLoop
import Glibc
import Locking

/// `Tests/doubles/s3_double.py` running as a process: an S3-compatible store that misbehaves on demand. It dies with the test process.
public final class S3Double: Sendable {
    public struct DidNotStart: Error, CustomStringConvertible {
        public let description: String
    }

    public static let accessKey = "TESTACCESSKEY"
    public static let secretKey = "test-secret-key"

    public let address: SocketAddress
    /// `http://127.0.0.1:PORT` or `https://…`
    public let url: String
    private let ended: Task<Void, Never>

    /// One that needs no signatures, shared by the tests of a process. Faults are told apart by key.
    public static let anonymous = Task { try await S3Double.start(["--anonymous"]) }
    /// One that checks signatures, shared likewise.
    public static let signed = Task { try await S3Double.start([]) }

    private init(address: SocketAddress, url: String, ended: Task<Void, Never>) {
        self.address = address
        self.url = url
        self.ended = ended
    }

    /// - Parameter arguments: as `s3_double.py --help` lists them; the port is chosen.
    public static func start(_ arguments: [String] = []) async throws -> S3Double {
        let script = "\(#filePath.prefix(upTo: "Tests/TestSupport/"))Tests/doubles/s3_double.py"
        let output = Locked("")
        let hasEnded = Locked(false)
        let command = ChildCommand(
            "/usr/bin/setpriv", ["--pdeathsig", "KILL", "--", "/usr/bin/python3", "-I", script, "--port", "0"] + arguments,
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
                return S3Double(address: try SocketAddress(parsing: String(authority)), url: url, ended: ended)
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

    /// Puts a fault in force for `bucket/key`; `fields` is what else the double's documentation lists, as JSON members.
    public func fault(_ key: String, _ kind: String, _ fields: String = "") async throws {
        let body = #"{"key": "\#(key)", "kind": "\#(kind)"\#(fields.isEmpty ? "" : ", " + fields)}"#
        let response = try await TestClient.exchange(address, "POST", "/_control/faults", body: Array(body.utf8))
        guard response.status == 200 else { throw DidNotStart(description: response.text) }
    }

    /// What the double received and which faults are in force, as JSON.
    public func log() async throws -> [UInt8] {
        try await TestClient.exchange(address, "GET", "/_control").body
    }

    /// SHA-256 of `bucket/key` in hexadecimal digits, as the double computes it.
    public func sha256(_ key: String) async throws -> String {
        let text = try await TestClient.exchange(address, "GET", "/_control/sha256?key=\(key)").text
        guard let start = text.range(of: #""sha256": ""#) else { throw DidNotStart(description: text) }
        return String(text[start.upperBound...].prefix(64))
    }
}

extension String {
    fileprivate func prefix(upTo text: String) -> Substring {
        range(of: text).map { self[..<$0.lowerBound] } ?? self[...]
    }

    fileprivate func range(of text: String) -> Range<Index>? { ranges(of: text).first }
}
