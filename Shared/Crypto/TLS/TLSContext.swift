import Glibc
internal import COpenSSL

/// Certificates and protocol settings that many sessions share. Immutable: a reload makes another context, sessions of the old one live on.
/// TLS 1.2 and 1.3 (RFC 8446), ALPN `http/1.1` (RFC 7301), no renegotiation, no compression.
public final class TLSContext: @unchecked Sendable {  // OpenSSL counts references under locks, and nothing is set after the initializer
    let pointer: OpaquePointer
    let isServer: Bool

    /// A server's context from PEM files: the leaf certificate first, then its chain; the key unencrypted.
    public init(certificateChainFile: String, privateKeyFile: String) throws(TLSConfigurationError) {
        guard let context = SSL_CTX_new(TLS_server_method()) else { throw .library(reason: takeOpenSSLError()) }
        pointer = context
        isServer = true
        try Self.configure(context)
        try Self.checkReadable(certificateChainFile)
        try Self.checkReadable(privateKeyFile)
        ERR_clear_error()
        guard SSL_CTX_use_certificate_chain_file(context, certificateChainFile) == 1 else {
            throw .badCertificate(path: certificateChainFile, reason: takeOpenSSLError())
        }
        guard SSL_CTX_use_PrivateKey_file(context, privateKeyFile, SSL_FILETYPE_PEM) == 1 else {
            let mismatch = isKeyMismatch(ERR_peek_last_error())
            let reason = takeOpenSSLError()
            throw mismatch
                ? .keyMismatch(certificatePath: certificateChainFile, keyPath: privateKeyFile)
                : .badKey(path: privateKeyFile, reason: reason)
        }
        guard SSL_CTX_check_private_key(context) == 1 else {
            ERR_clear_error()
            throw .keyMismatch(certificatePath: certificateChainFile, keyPath: privateKeyFile)
        }
        SSL_CTX_set_alpn_select_cb(context, chooseHTTP11, nil)
        _ = SSL_CTX_set_num_tickets(context, 1)
    }

    /// A client's context that trusts the certificates in `trustFile` and nothing else.
    public init(trustFile: String) throws(TLSConfigurationError) {
        guard let context = SSL_CTX_new(TLS_client_method()) else { throw .library(reason: takeOpenSSLError()) }
        pointer = context
        isServer = false
        try Self.configure(context)
        try Self.checkReadable(trustFile)
        guard SSL_CTX_load_verify_locations(context, trustFile, nil) == 1 else {
            throw .badCertificate(path: trustFile, reason: takeOpenSSLError())
        }
        SSL_CTX_set_verify(context, SSL_VERIFY_PEER, nil)
        let offer: [UInt8] = [8] + Array("http/1.1".utf8)
        _ = SSL_CTX_set_alpn_protos(context, offer, UInt32(offer.count))
    }

    deinit { SSL_CTX_free(pointer) }

    private static func configure(_ context: OpaquePointer) throws(TLSConfigurationError) {
        guard copenssl_ctx_minimum_version(context, TLS1_2_VERSION) == 1 else { throw .library(reason: takeOpenSSLError()) }
        copenssl_ctx_strict_options(context)
        // Idle sessions give their record buffers back; a write may stop after some records and go on from another address.
        copenssl_ctx_mode(
            context,
            Int(SSL_MODE_RELEASE_BUFFERS) | Int(SSL_MODE_ENABLE_PARTIAL_WRITE) | Int(SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER))
        // One receive per record instead of one for its header and one for its contents.
        copenssl_ctx_read_ahead(context, 1)
        // An encrypted key is an error; OpenSSL would otherwise ask on the terminal.
        SSL_CTX_set_default_passwd_cb(context) { _, _, _, _ in 0 }
    }

    private static func checkReadable(_ path: String) throws(TLSConfigurationError) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else { throw .unreadable(path: path, errno: errno) }
        var byte: UInt8 = 0
        let count = read(descriptor, &byte, 1)
        let code = errno
        close(descriptor)
        if count < 0 { throw .unreadable(path: path, errno: code) }
    }
}

/// ALPN: `http/1.1` when offered; any other offer goes on without a choice, as if the extension were absent.
private func chooseHTTP11(
    _ session: OpaquePointer?, _ chosen: UnsafeMutablePointer<UnsafePointer<UInt8>?>?,
    _ chosenCount: UnsafeMutablePointer<UInt8>?, _ offered: UnsafePointer<UInt8>?, _ offeredCount: UInt32,
    _ context: UnsafeMutableRawPointer?
) -> Int32 {
    guard let offered, let chosen, let chosenCount else { return SSL_TLSEXT_ERR_NOACK }
    let wanted: StaticString = "http/1.1"
    let end = Int(offeredCount)
    var index = 0
    while index < end {
        let count = Int(offered[index])
        if count > end - index - 1 { break }
        if count == wanted.utf8CodeUnitCount, memcmp(offered + index + 1, wanted.utf8Start, count) == 0 {
            chosen.pointee = offered + index + 1
            chosenCount.pointee = UInt8(count)
            return SSL_TLSEXT_ERR_OK
        }
        index += count + 1
    }
    return SSL_TLSEXT_ERR_NOACK
}

private func isKeyMismatch(_ code: UInt) -> Bool {
    let reason = copenssl_err_reason(code)
    return reason == X509_R_KEY_VALUES_MISMATCH || reason == X509_R_KEY_TYPE_MISMATCH
}

/// The last error of this thread in words, and an empty queue after it.
func takeOpenSSLError() -> String {
    let code = ERR_peek_last_error()
    defer { ERR_clear_error() }
    if code == 0 { return "unknown" }
    if let text = ERR_reason_error_string(code) { return String(cString: text) }
    return "error \(code)"
}
