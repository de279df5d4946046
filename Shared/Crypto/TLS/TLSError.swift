/// Why certificates could not be put in force. For the operator: the text names paths, so it belongs in a log, never in a response.
public enum TLSConfigurationError: Error, Sendable, Equatable, CustomStringConvertible {
    /// The file cannot be opened or read; `errno` is the system's number.
    case unreadable(path: String, errno: Int32)
    /// The file holds no certificate in PEM form.
    case badCertificate(path: String, reason: String)
    /// The file holds no unencrypted private key in PEM form.
    case badKey(path: String, reason: String)
    /// The private key is not that of the certificate.
    case keyMismatch(certificatePath: String, keyPath: String)
    /// OpenSSL refused a setting or had no memory.
    case library(reason: String)

    public var description: String {
        switch self {
        case .unreadable(let path, let code): "cannot read \(path): errno \(code)"
        case .badCertificate(let path, let reason): "no usable certificate in \(path): \(reason)"
        case .badKey(let path, let reason): "no usable private key in \(path): \(reason)"
        case .keyMismatch(let certificate, let key): "the key in \(key) does not belong to the certificate in \(certificate)"
        case .library(let reason): "TLS cannot be set up: \(reason)"
        }
    }
}
