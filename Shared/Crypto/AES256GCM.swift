internal import COpenSSL

/// AES-256 in Galois/Counter Mode, with nonces of 96 bits and tags of 128 (NIST SP 800-38D). Any thread.
///
/// A nonce must never serve twice under one key: the second use gives away both messages and the key of the tag. With
/// random nonces SP 800-38D §8.3 allows 2³² messages under one key; that is for the caller to keep.
public enum AES256GCM {
    public static let keyBytes = 32
    public static let nonceBytes = 12
    public static let tagBytes = 16
    /// Bytes of one message. The mode itself ends at 2³⁶ − 32 (SP 800-38D §5.2.1.1); here a message is held in memory.
    public static let messageBytesMax = 1 << 30

    /// A key whose bytes are wiped when it goes. What it was made from is the caller's to wipe.
    public final class Key: @unchecked Sendable {
        // @unchecked: written once, before anybody else has it.
        fileprivate let bytes: UnsafeMutableBufferPointer<UInt8>

        /// - Throws: ``CryptoError/invalidParameters`` unless there are exactly 32 bytes.
        public init(_ bytes: [UInt8]) throws(CryptoError) {
            guard bytes.count == keyBytes else { throw .invalidParameters }
            self.bytes = .allocate(capacity: keyBytes)
            _ = self.bytes.initialize(from: bytes)
        }

        deinit {
            OPENSSL_cleanse(bytes.baseAddress, bytes.count)
            bytes.deallocate()
        }
    }

    /// Encrypts and authenticates.
    ///
    /// - Parameters:
    ///   - nonce: 12 bytes, never used before under this key.
    ///   - additionalData: authenticated, not encrypted; not part of the answer.
    /// - Returns: the ciphertext, as long as the message, with the tag of 16 bytes behind it.
    public static func seal(
        _ message: [UInt8], key: Key, nonce: [UInt8], additionalData: [UInt8] = []
    ) throws(CryptoError) -> [UInt8] {
        try check(message.count, nonce, additionalData)
        guard let context = EVP_CIPHER_CTX_new() else { throw .cipherFailed }
        defer { EVP_CIPHER_CTX_free(context) }
        var sealed = [UInt8](repeating: 0, count: message.count + tagBytes)
        let done = sealed.withUnsafeMutableBufferPointer { target in
            guard let base = target.baseAddress else { return false }
            var length: CInt = 0
            return EVP_EncryptInit_ex2(context, Algorithm.aes256GCM, key.bytes.baseAddress, nonce, nil) == 1
                && (additionalData.isEmpty
                    || EVP_EncryptUpdate(context, nil, &length, additionalData, CInt(additionalData.count)) == 1)
                && (message.isEmpty || EVP_EncryptUpdate(context, base, &length, message, CInt(message.count)) == 1)
                && EVP_EncryptFinal_ex(context, base + message.count, &length) == 1
                && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, CInt(tagBytes), base + message.count) == 1
        }
        guard done else {
            ERR_clear_error()
            throw .cipherFailed
        }
        return sealed
    }

    /// Decrypts what ``seal(_:key:nonce:additionalData:)`` gave, if every byte of it, of the nonce and of the additional
    /// data is as it was. No byte of a message that does not fit its tag is handed out.
    ///
    /// - Throws: ``CryptoError/notAuthentic`` also for what is too short to hold a tag.
    public static func open(
        _ sealed: [UInt8], key: Key, nonce: [UInt8], additionalData: [UInt8] = []
    ) throws(CryptoError) -> [UInt8] {
        guard sealed.count >= tagBytes else { throw .notAuthentic }
        let length = sealed.count - tagBytes
        try check(length, nonce, additionalData)
        guard let context = EVP_CIPHER_CTX_new() else { throw .cipherFailed }
        defer { EVP_CIPHER_CTX_free(context) }
        var tag = [UInt8](sealed.suffix(tagBytes))
        // One byte more, so that an empty message has an address too.
        var message = [UInt8](repeating: 0, count: length + 1)
        let done = message.withUnsafeMutableBufferPointer { target in
            guard let base = target.baseAddress else { return false }
            var written: CInt = 0
            return EVP_DecryptInit_ex2(context, Algorithm.aes256GCM, key.bytes.baseAddress, nonce, nil) == 1
                && (additionalData.isEmpty
                    || EVP_DecryptUpdate(context, nil, &written, additionalData, CInt(additionalData.count)) == 1)
                && (length == 0 || EVP_DecryptUpdate(context, base, &written, sealed, CInt(length)) == 1)
                && EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, CInt(tagBytes), &tag) == 1
                && EVP_DecryptFinal_ex(context, base + length, &written) == 1
        }
        guard done else {
            message.withUnsafeMutableBytes { OPENSSL_cleanse($0.baseAddress, $0.count) }
            ERR_clear_error()
            throw .notAuthentic
        }
        message.removeLast()
        return message
    }

    private static func check(
        _ messageBytes: Int, _ nonce: [UInt8], _ additionalData: [UInt8]
    ) throws(CryptoError) {
        guard nonce.count == nonceBytes else { throw .invalidParameters }
        guard messageBytes <= messageBytesMax, additionalData.count <= messageBytesMax else {
            throw .messageLimit(bytesMax: messageBytesMax)
        }
    }
}
