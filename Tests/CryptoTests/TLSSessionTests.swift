import Crypto
import Foundation
import Testing

/// Two transports over two byte queues in memory.
private final class MemoryTransport: TLSTransport {
    var inbox: [UInt8] = []
    var isClosed = false
    /// Bytes the peer's queue takes before it counts as full.
    var room = Int.max
    unowned var peer: MemoryTransport!
    var largestPiece = Int.max

    override func receive(into buffer: UnsafeMutableRawBufferPointer) -> TLSTransfer {
        if inbox.isEmpty { return isClosed ? .closed : .wouldBlock }
        let count = min(buffer.count, inbox.count, largestPiece)
        buffer.copyBytes(from: inbox[..<count])
        inbox.removeFirst(count)
        return .bytes(count)
    }

    override func send(_ bytes: UnsafeRawBufferPointer) -> TLSTransfer {
        if isClosed { return .closed }
        let count = min(bytes.count, room - peer.inbox.count, largestPiece)
        if count <= 0 { return .wouldBlock }
        peer.inbox.append(contentsOf: bytes[..<count])
        return .bytes(count)
    }
}

/// A directory with a self-signed certificate for `localhost`, made by the openssl command.
final class TestCertificate: Sendable {
    static let shared = Result { try TestCertificate() }
    let directory: String
    var certificate: String { directory + "/cert.pem" }
    var key: String { directory + "/key.pem" }

    init() throws {
        directory = NSTemporaryDirectory() + "trivet-tls-" + UUID().uuidString
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
        try #require(process.terminationStatus == 0)
    }

    deinit { try? FileManager.default.removeItem(atPath: directory) }
}

private struct Pair {
    let client: TLSSession, server: TLSSession
    let clientSide = MemoryTransport(), serverSide = MemoryTransport()

    init(_ certificate: TestCertificate, serverName: String = "localhost") throws {
        clientSide.peer = serverSide
        serverSide.peer = clientSide
        let context = try TLSContext(certificateChainFile: certificate.certificate, privateKeyFile: certificate.key)
        server = try TLSSession(context: context, transport: serverSide)
        client = try TLSSession(
            context: TLSContext(trustFile: certificate.certificate), transport: clientSide, serverName: serverName)
    }

    func shakeHands() -> (client: TLSResult, server: TLSResult) {
        var results: (TLSResult, TLSResult) = (.wantRead, .wantRead)
        for _ in 0..<100_000 {
            results = (client.handshake(), server.handshake())
            if case .failed = results.0 { break }
            if case .failed = results.1 { break }
            if results.0 == .bytes(0), results.1 == .bytes(0) { break }
        }
        return results
    }
}

@Suite struct TLSSessionTests {
    @Test("a session carries bytes both ways over TLS 1.3 and agrees on http/1.1")
    func roundTrip() throws {
        let pair = try Pair(TestCertificate.shared.get())
        #expect(pair.shakeHands() == (.bytes(0), .bytes(0)))
        #expect(pair.server.protocolVersion == "TLSv1.3")
        #expect(pair.server.negotiatedProtocol == "http/1.1")
        #expect(Array("hello".utf8).withUnsafeBytes { pair.client.write($0) } == .bytes(5))
        var buffer = [UInt8](repeating: 0, count: 64)
        #expect(buffer.withUnsafeMutableBytes { pair.server.read(into: $0) } == .bytes(5))
        #expect(buffer[..<5] == ArraySlice("hello".utf8))
        #expect(buffer.withUnsafeMutableBytes { pair.server.read(into: $0) } == .wantRead)
    }

    @Test("a handshake succeeds when bytes arrive one at a time")
    func bytewise() throws {
        let pair = try Pair(TestCertificate.shared.get())
        pair.clientSide.largestPiece = 1
        pair.serverSide.largestPiece = 1
        #expect(pair.shakeHands() == (.bytes(0), .bytes(0)))
    }

    @Test("a full transport makes a write wait, and it goes on where it stopped")
    func backPressure() throws {
        let pair = try Pair(TestCertificate.shared.get())
        #expect(pair.shakeHands() == (.bytes(0), .bytes(0)))
        let payload = (0..<300_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
        pair.serverSide.room = 20_000
        var sent = 0, waits = 0
        var received: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 7_000)
        while received.count < payload.count {
            writing: while sent < payload.count {
                switch payload[sent...].withUnsafeBytes({ pair.server.write($0) }) {
                case .bytes(let count): sent += count
                case .wantWrite:
                    waits += 1
                    break writing
                default: throw CancellationError()
                }
            }
            reading: while true {
                switch buffer.withUnsafeMutableBytes({ pair.client.read(into: $0) }) {
                case .bytes(let count): received += buffer[..<count]
                case .wantRead: break reading
                default: throw CancellationError()
                }
            }
        }
        #expect(received == payload)
        #expect(waits > 1)
    }

    @Test("a client refuses a certificate for another name")
    func wrongName() throws {
        let pair = try Pair(TestCertificate.shared.get(), serverName: "elsewhere")
        guard case .failed = pair.shakeHands().client else {
            Issue.record("accepted")
            return
        }
    }

    @Test("plain text instead of a handshake fails the session and nothing else")
    func plainText() throws {
        let pair = try Pair(TestCertificate.shared.get())
        pair.serverSide.inbox = Array("GET / HTTP/1.1\r\nHost: x\r\n\r\n".utf8)
        guard case .failed = pair.server.handshake() else {
            Issue.record("accepted")
            return
        }
        #expect(pair.server.handshake() == .closed)
    }

    @Test("the end of the peer is told: close_notify and a bare end alike")
    func endings() throws {
        let certificate = try TestCertificate()
        let polite = try Pair(certificate)
        #expect(polite.shakeHands() == (.bytes(0), .bytes(0)))
        polite.client.shutdown()
        var buffer = [UInt8](repeating: 0, count: 64)
        #expect(buffer.withUnsafeMutableBytes { polite.server.read(into: $0) } == .closed)
        let rude = try Pair(certificate)
        #expect(rude.shakeHands() == (.bytes(0), .bytes(0)))
        rude.serverSide.isClosed = true
        #expect(buffer.withUnsafeMutableBytes { rude.server.read(into: $0) } == .closed)
        #expect([UInt8](repeating: 1, count: 10).withUnsafeBytes { rude.server.write($0) } == .closed)
    }

    @Test("a configuration error says which file is at fault")
    func configurationErrors() throws {
        let one = try TestCertificate(), other = try TestCertificate()
        let missing = one.directory + "/absent.pem"
        #expect(throws: TLSConfigurationError.unreadable(path: missing, errno: ENOENT)) {
            try TLSContext(certificateChainFile: missing, privateKeyFile: one.key)
        }
        #expect(throws: TLSConfigurationError.unreadable(path: missing, errno: ENOENT)) {
            try TLSContext(certificateChainFile: one.certificate, privateKeyFile: missing)
        }
        #expect(throws: TLSConfigurationError.keyMismatch(certificatePath: one.certificate, keyPath: other.key)) {
            try TLSContext(certificateChainFile: one.certificate, privateKeyFile: other.key)
        }
        let failure = #expect(throws: TLSConfigurationError.self) {
            try TLSContext(certificateChainFile: one.certificate, privateKeyFile: one.certificate)
        }
        guard case .badKey(one.certificate, _) = failure else {
            Issue.record("\(String(describing: failure))")
            return
        }
        guard
            case .badCertificate = #expect(
                throws: TLSConfigurationError.self,
                performing: { try TLSContext(certificateChainFile: one.key, privateKeyFile: one.key) })
        else {
            Issue.record("a key passed as certificate")
            return
        }
    }

    @Test("random bytes never crash a session, and never make one", arguments: 0..<64)
    func garbage(seed: UInt64) throws {
        var state = seed &* 0x9E37_79B9_7F4A_7C15 | 1
        func next() -> UInt64 {
            state ^= state << 13
            state ^= state >> 7
            state ^= state << 17
            return state
        }
        let pair = try Pair(TestCertificate.shared.get())
        var bytes = (0..<Int(next() % 2_000) + 1).map { _ in UInt8(truncatingIfNeeded: next()) }
        if seed % 2 == 0 { bytes = [22, 3, 1] + bytes }  // looks like a handshake record
        pair.serverSide.inbox = bytes
        for _ in 0..<4 { #expect(pair.server.handshake() != .bytes(0), "seed \(seed)") }
    }
}
