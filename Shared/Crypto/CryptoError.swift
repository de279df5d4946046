/// What a cryptographic function refuses. Carries no secret.
public enum CryptoError: Error, Hashable, Sendable {
    /// A parameter outside its range (RFC 7914 §2).
    case invalidParameters
    /// The derivation would take more memory than allowed.
    case memoryLimit(bytesMax: Int)
    /// OpenSSL refused the derivation, for want of memory as a rule.
    case derivationFailed
}
