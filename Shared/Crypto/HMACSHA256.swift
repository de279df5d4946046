internal import COpenSSL

/// HMAC with SHA-256 (RFC 2104, FIPS 198-1) under one key, reusable: `finalize()` starts a new code under the same key.
///
/// Owns one OpenSSL context with the key in it, cleansed and freed with the object. Belongs to one task at a time.
public final class HMACSHA256 {
    private let context: OpaquePointer

    /// - Parameter key: any length, also empty.
    public init(key: UnsafeRawBufferPointer) {
        context = Self.context(key: key)
    }

    public init(key: [UInt8]) {
        context = key.withUnsafeBytes { Self.context(key: $0) }
    }

    private static func context(key: UnsafeRawBufferPointer) -> OpaquePointer {
        guard let context = EVP_MAC_CTX_new(Algorithm.hmac) else { preconditionFailure("no memory for a MAC") }
        var digest = "SHA256".utf8CString
        let started = digest.withUnsafeMutableBufferPointer { name in
            var parameters = [
                OSSL_PARAM_construct_utf8_string(OSSL_MAC_PARAM_DIGEST, name.baseAddress, 0),
                OSSL_PARAM_construct_end(),
            ]
            // A null key would mean "the key of last time", so an empty one still needs an address.
            var nothing: UInt8 = 0
            guard let base = key.baseAddress, key.count > 0 else { return EVP_MAC_init(context, &nothing, 0, &parameters) }
            return EVP_MAC_init(context, base.assumingMemoryBound(to: UInt8.self), key.count, &parameters)
        }
        precondition(started == 1, "OpenSSL offers no HMAC with SHA-256")
        return context
    }

    deinit { EVP_MAC_CTX_free(context) }

    public func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        let taken = EVP_MAC_update(context, base.assumingMemoryBound(to: UInt8.self), bytes.count)
        precondition(taken == 1, "HMAC refused bytes")
    }

    public func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// The code of everything since the start.
    public func finalize() -> Digest32 {
        var length = 0
        let code = Digest32 { target in
            let done = EVP_MAC_final(context, target, &length, Digest32.count)
            precondition(done == 1 && length == Digest32.count, "HMAC did not finish")
        }
        let restarted = EVP_MAC_init(context, nil, 0, nil)
        precondition(restarted == 1, "HMAC did not start again")
        return code
    }

    public static func authenticate(_ bytes: UnsafeRawBufferPointer, key: UnsafeRawBufferPointer) -> Digest32 {
        let code = HMACSHA256(key: key)
        code.update(bytes)
        return code.finalize()
    }

    public static func authenticate(_ bytes: [UInt8], key: [UInt8]) -> Digest32 {
        key.withUnsafeBytes { key in bytes.withUnsafeBytes { authenticate($0, key: key) } }
    }
}
