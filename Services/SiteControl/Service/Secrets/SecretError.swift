/// Why a secret cannot be had. Carries names, never contents.
enum SecretError: Error, Hashable, CustomStringConvertible {
    /// The file is not what was written: changed, cut, moved from another name, or sealed under another key.
    case damaged(SecretName)
    /// There are secrets, but not the key they were sealed under. A new key would not open them.
    case keyMissing(path: String)
    /// The key file does not hold 32 bytes in base64.
    case keyMalformed(path: String)
    /// Others than the owner may read it.
    case notPrivate(path: String)
    /// A secret is a small thing.
    case tooLarge(SecretName, bytesMax: Int)
    case system(call: String, path: String, errno: Int32)

    var description: String {
        switch self {
        case .damaged(let name): "the secret \(name.path) does not open: it was changed, or sealed under another key"
        case .keyMissing(let path): "there are secrets, but neither TRIVET_SECRETS_KEY nor \(path)"
        case .keyMalformed(let path): "\(path) does not hold 32 bytes in base64"
        case .notPrivate(let path): "\(path) may be read by others than its owner"
        case .tooLarge(let name, let bytesMax): "the secret \(name.path) is longer than \(bytesMax) bytes"
        case .system(let call, let path, let errno): "\(call) \(path): errno \(errno)"
        }
    }
}
