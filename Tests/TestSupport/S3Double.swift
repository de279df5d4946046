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

    private let process: DoubleProcess

    public var address: SocketAddress { process.address }
    /// `http://127.0.0.1:PORT` or `https://…`
    public var url: String { process.url }

    /// One that needs no signatures, shared by the tests of a process. Faults are told apart by key.
    public static let anonymous = Task { try await S3Double.start(["--anonymous"]) }
    /// One that checks signatures, shared likewise.
    public static let signed = Task { try await S3Double.start([]) }

    private init(_ process: DoubleProcess) { self.process = process }

    /// - Parameter arguments: as `s3_double.py --help` lists them; the port is chosen.
    public static func start(_ arguments: [String] = []) async throws -> S3Double {
        S3Double(try await DoubleProcess.start("s3_double", arguments))
    }

    /// Ends the process.
    public func stop() async { await process.stop() }

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
