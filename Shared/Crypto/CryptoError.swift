/// What a cryptographic function refuses. Carries no secret.
public enum CryptoError: Error, Hashable, Sendable {
    /// A parameter outside its range (RFC 7914 §2).
    case invalidParameters
    /// The derivation would take more memory than allowed.
    case memoryLimit(bytesMax: Int)
    /// OpenSSL refused the derivation, for want of memory as a rule.
    case derivationFailed
    /// A message longer than one call takes.
    case messageLimit(bytesMax: Int)
    /// The tag does not fit: another key, nonce, additional data or message than was sealed. Which, nobody can tell.
    case notAuthentic
    /// OpenSSL refused to encrypt, for want of memory as a rule.
    case cipherFailed
}
