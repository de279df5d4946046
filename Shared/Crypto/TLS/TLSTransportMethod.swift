internal import COpenSSL

/// The table through which OpenSSL calls a ``TLSTransport``. One for the process, built once and never changed.
struct TLSTransportMethod: @unchecked Sendable {  // the pointer is written once, by `shared`
    let pointer: OpaquePointer?

    static let shared = TLSTransportMethod()

    private init() {
        let type = BIO_get_new_index() | BIO_TYPE_SOURCE_SINK
        pointer = BIO_meth_new(type, "transport")
        guard let pointer else { return }
        _ = BIO_meth_set_read_ex(pointer, receive)
        _ = BIO_meth_set_write_ex(pointer, send)
        _ = BIO_meth_set_ctrl(pointer, control)
    }
}

private func transport(of bio: OpaquePointer?) -> TLSTransport? {
    // The session that owns the BIO holds the transport for as long.
    BIO_get_data(bio).map { Unmanaged<TLSTransport>.fromOpaque($0).takeUnretainedValue() }
}

private func receive(
    _ bio: OpaquePointer?, _ buffer: UnsafeMutablePointer<CChar>?, _ size: Int, _ moved: UnsafeMutablePointer<Int>?
) -> Int32 {
    copenssl_bio_clear_retry(bio)
    moved?.pointee = 0
    guard let transport = transport(of: bio), let buffer, size > 0 else { return 0 }
    switch transport.receive(into: UnsafeMutableRawBufferPointer(start: buffer, count: size)) {
    case .bytes(let count):
        moved?.pointee = count
        return 1
    case .wouldBlock:
        copenssl_bio_retry_read(bio)
        return 0
    case .closed:
        BIO_set_flags(bio, BIO_FLAGS_IN_EOF)
        return 0
    }
}

private func send(
    _ bio: OpaquePointer?, _ bytes: UnsafePointer<CChar>?, _ size: Int, _ moved: UnsafeMutablePointer<Int>?
) -> Int32 {
    copenssl_bio_clear_retry(bio)
    moved?.pointee = 0
    guard let transport = transport(of: bio), let bytes, size > 0 else { return 0 }
    switch transport.send(UnsafeRawBufferPointer(start: bytes, count: size)) {
    case .bytes(let count):
        moved?.pointee = count
        return 1
    case .wouldBlock:
        copenssl_bio_retry_write(bio)
        return 0
    case .closed: return 0
    }
}

private func control(_ bio: OpaquePointer?, _ command: Int32, _ number: Int, _ pointer: UnsafeMutableRawPointer?) -> Int {
    switch command {
    case BIO_CTRL_FLUSH: 1
    case BIO_CTRL_EOF: BIO_test_flags(bio, BIO_FLAGS_IN_EOF) != 0 ? 1 : 0
    default: 0
    }
}
