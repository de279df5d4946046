internal import COpenSSL

/// SHA-256 (FIPS 180-4) over pieces of any size, at the speed of OpenSSL's own. Reusable: `finalize()` starts a new digest.
///
/// Owns one OpenSSL context, freed with the object. Belongs to one task at a time. OpenSSL refusing SHA-256 means a broken
/// installation: the process stops, since no decision of a service could be trusted any more.
public final class SHA256 {
    private let context: OpaquePointer

    public init() {
        guard let context = EVP_MD_CTX_new() else { preconditionFailure("no memory for a digest") }
        self.context = context
        reset()
    }

    deinit { EVP_MD_CTX_free(context) }

    /// Forgets what was fed.
    public func reset() {
        let started = EVP_DigestInit_ex2(context, Algorithm.sha256, nil)
        precondition(started == 1, "OpenSSL offers no SHA-256")
    }

    public func update(_ bytes: UnsafeRawBufferPointer) {
        guard let base = bytes.baseAddress, bytes.count > 0 else { return }
        let taken = EVP_DigestUpdate(context, base, bytes.count)
        precondition(taken == 1, "SHA-256 refused bytes")
    }

    public func update(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { update($0) }
    }

    /// The digest of everything since the start; the object is ready for the next one.
    public func finalize() -> Digest32 {
        let digest = Digest32 { target in
            let done = EVP_DigestFinal_ex(context, target, nil)
            precondition(done == 1, "SHA-256 did not finish")
        }
        reset()
        return digest
    }

    /// The digest of what was fed so far, which may go on.
    public func snapshot() -> Digest32 {
        let copy = SHA256()
        let copied = EVP_MD_CTX_copy_ex(copy.context, context)
        precondition(copied == 1, "SHA-256 state not copied")
        return copy.finalize()
    }

    public static func hash(_ bytes: UnsafeRawBufferPointer) -> Digest32 {
        Digest32 { target in
            let done = EVP_Digest(bytes.baseAddress, bytes.count, target, nil, Algorithm.sha256, nil)
            precondition(done == 1, "OpenSSL offers no SHA-256")
        }
    }

    public static func hash(_ bytes: [UInt8]) -> Digest32 {
        bytes.withUnsafeBytes { hash($0) }
    }

    /// The digest of the UTF-8 bytes of `text`.
    public static func hash(_ text: String) -> Digest32 {
        var text = text
        return text.withUTF8 { hash(UnsafeRawBufferPointer($0)) }
    }
}

/// Algorithms are looked up once; OpenSSL's lookup by name costs more than hashing a token.
enum Algorithm {
    /// Safe to share: never written after it was fetched, and OpenSSL counts its references atomically.
    nonisolated(unsafe) static let sha256: OpaquePointer = {
        guard let found = EVP_MD_fetch(nil, "SHA256", nil) else { preconditionFailure("OpenSSL offers no SHA-256") }
        return found
    }()

    /// Safe to share for the same reason.
    nonisolated(unsafe) static let hmac: OpaquePointer = {
        guard let found = EVP_MAC_fetch(nil, "HMAC", nil) else { preconditionFailure("OpenSSL offers no HMAC") }
        return found
    }()

    /// Safe to share for the same reason.
    nonisolated(unsafe) static let aes256GCM: OpaquePointer = {
        guard let found = EVP_CIPHER_fetch(nil, "AES-256-GCM", nil) else {
            preconditionFailure("OpenSSL offers no AES-256-GCM")
        }
        return found
    }()
}
