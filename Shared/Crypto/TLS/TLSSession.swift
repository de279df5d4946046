import Glibc
internal import COpenSSL

/// What one call of a session achieved.
public enum TLSResult: Sendable, Equatable {
    /// Plaintext bytes moved; after a handshake, 0.
    case bytes(Int)
    /// Call again once the transport can receive.
    case wantRead
    /// Call again, with the same bytes, once the transport can send.
    case wantWrite
    /// The peer ended the session or the connection.
    case closed
    /// The session is unusable; the text is OpenSSL's reason.
    case failed(String)
}

/// One TLS connection over a transport that never blocks. Bound to the thread that drives it; owns its OpenSSL object.
public final class TLSSession {
    private let session: OpaquePointer
    private let transport: TLSTransport
    private let context: TLSContext
    private var isEstablished = false
    private var isBroken = false

    /// A session in its context's role. A client checks the server's certificate against `serverName` (and sends it, RFC 6066 §3).
    public init(context: TLSContext, transport: TLSTransport, serverName: String? = nil) throws(TLSConfigurationError) {
        guard let method = TLSTransportMethod.shared.pointer, let session = SSL_new(context.pointer) else {
            throw .library(reason: takeOpenSSLError())
        }
        guard let bio = BIO_new(method) else {
            SSL_free(session)
            throw .library(reason: takeOpenSSLError())
        }
        self.session = session
        self.transport = transport
        self.context = context
        BIO_set_data(bio, Unmanaged.passUnretained(transport).toOpaque())
        BIO_set_init(bio, 1)
        SSL_set_bio(session, bio, bio)
        if context.isServer {
            SSL_set_accept_state(session)
        } else {
            SSL_set_connect_state(session)
            if let serverName {
                guard copenssl_set_server_name(session, serverName) == 1, SSL_set1_host(session, serverName) == 1 else {
                    throw .library(reason: takeOpenSSLError())
                }
            }
        }
    }

    deinit { SSL_free(session) }

    /// Goes on with the handshake. Reading and writing do so too, but a caller wants its time limited.
    public func handshake() -> TLSResult {
        if isEstablished { return .bytes(0) }
        if isBroken { return .closed }
        ERR_clear_error()
        let code = SSL_do_handshake(session)
        if code == 1 {
            isEstablished = true
            return .bytes(0)
        }
        return outcome(of: code)
    }

    /// Plaintext into `buffer`. After `.bytes` there may be more without another word from the transport: read until `.wantRead`.
    public func read(into buffer: UnsafeMutableRawBufferPointer) -> TLSResult {
        guard let base = buffer.baseAddress, !buffer.isEmpty else { return .bytes(0) }
        if isBroken { return .closed }
        ERR_clear_error()
        var count = 0
        let code = SSL_read_ex(session, base, buffer.count, &count)
        return code == 1 ? .bytes(count) : outcome(of: code)
    }

    /// Takes a part of `bytes` at least; after `.wantWrite` the next call must begin with the same bytes.
    public func write(_ bytes: UnsafeRawBufferPointer) -> TLSResult {
        guard let base = bytes.baseAddress, !bytes.isEmpty else { return .bytes(0) }
        if isBroken { return .closed }
        ERR_clear_error()
        var count = 0
        let code = SSL_write_ex(session, base, bytes.count, &count)
        return code == 1 ? .bytes(count) : outcome(of: code)
    }

    /// Says goodbye (close_notify), once and without waiting for the answer.
    public func shutdown() {
        if isBroken || !isEstablished { return }
        ERR_clear_error()
        _ = SSL_shutdown(session)
        ERR_clear_error()
    }

    /// Plaintext that waits inside the session.
    public var hasPendingPlaintext: Bool { SSL_pending(session) > 0 }

    /// "TLSv1.3".
    public var protocolVersion: String { String(cString: SSL_get_version(session)) }

    /// The protocol agreed by ALPN.
    public var negotiatedProtocol: String? {
        var bytes: UnsafePointer<UInt8>?
        var count: UInt32 = 0
        SSL_get0_alpn_selected(session, &bytes, &count)
        guard let bytes, count > 0 else { return nil }
        return String(decoding: UnsafeBufferPointer(start: bytes, count: Int(count)), as: UTF8.self)
    }

    /// SHA-256 of the peer's certificate in DER, where it showed one.
    public var peerCertificateFingerprint: [UInt8]? {
        guard let certificate = SSL_get1_peer_certificate(session) else { return nil }
        defer { X509_free(certificate) }
        var digest = [UInt8](repeating: 0, count: 32)
        var count: UInt32 = 32
        return X509_digest(certificate, EVP_sha256(), &digest, &count) == 1 ? digest : nil
    }

    private func outcome(of code: Int32) -> TLSResult {
        switch SSL_get_error(session, code) {
        case SSL_ERROR_WANT_READ: return .wantRead
        case SSL_ERROR_WANT_WRITE: return .wantWrite
        case SSL_ERROR_ZERO_RETURN: return .closed
        case SSL_ERROR_SYSCALL:
            isBroken = true
            ERR_clear_error()
            return .closed
        default:
            isBroken = true
            return .failed(takeOpenSSLError())
        }
    }
}
