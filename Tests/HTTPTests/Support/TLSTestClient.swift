import Crypto
import Foundation
import Glibc

/// ``TestClient`` through TLS, trusting one certificate file.
final class TLSTestClient: TestClient {
    private var session: TLSSession?

    init(port: UInt16, trust: String) throws {
        try super.init(port: port)
        session = try TLSSession(
            context: TLSContext(trustFile: trust), transport: BlockingTransport(fd: fd), serverName: "localhost")
    }

    func handshake() throws {
        guard let result = session?.handshake(), result == .bytes(0) else { throw TestClientError.notHTTP("handshake") }
    }

    var fingerprint: [UInt8]? { session?.peerCertificateFingerprint }

    override func sendOnce(_ bytes: UnsafeRawBufferPointer) throws -> Int {
        guard case .bytes(let count)? = session?.write(bytes) else { throw TestClientError.ended }
        return count
    }

    override func receiveOnce(_ into: UnsafeMutableRawBufferPointer) throws -> Int {
        switch session?.read(into: into) {
        case .bytes(let count): return count
        case .closed: return 0
        case .wantRead: throw TestClientError.timedOut
        default: throw TestClientError.notHTTP("TLS")
        }
    }
}

private final class BlockingTransport: TLSTransport {
    let fd: Int32
    init(fd: Int32) { self.fd = fd }

    override func receive(into buffer: UnsafeMutableRawBufferPointer) -> TLSTransfer {
        let count = recv(fd, buffer.baseAddress, buffer.count, 0)
        return count > 0 ? .bytes(count) : count < 0 && errno == EAGAIN ? .wouldBlock : .closed
    }

    override func send(_ bytes: UnsafeRawBufferPointer) -> TLSTransfer {
        let count = Glibc.send(fd, bytes.baseAddress, bytes.count, Int32(MSG_NOSIGNAL))
        return count > 0 ? .bytes(count) : .closed
    }
}

/// A directory with a self-signed certificate for `localhost`, made by the openssl command.
final class TestCertificate: Sendable {
    let directory: String
    var certificate: String { directory + "/cert.pem" }
    var key: String { directory + "/key.pem" }

    init() throws {
        directory = NSTemporaryDirectory() + "trivet-http-tls-" + UUID().uuidString
        try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
        process.arguments = [
            "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "30",
            "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1",
            "-keyout", directory + "/key.pem", "-out", directory + "/cert.pem",
        ]
        process.standardError = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        guard process.terminationStatus == 0 else { throw TestClientError.notHTTP("openssl") }
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }

    /// Puts another's files in place of these.
    func become(_ other: TestCertificate) throws {
        for name in ["cert.pem", "key.pem"] {
            let bytes = try Data(contentsOf: URL(fileURLWithPath: "\(other.directory)/\(name)"))
            try bytes.write(to: URL(fileURLWithPath: "\(directory)/\(name)"), options: .atomic)
        }
    }
}
