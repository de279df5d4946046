/// Why an object could not be read or written. Descriptions hold no credential, signature or path of this host.
public enum ObjectError: Error, Hashable, CustomStringConvertible {
    case invalidLocation(String)
    case bucketNotAllowed(String)
    case notFound
    /// The store refuses these credentials this object, or the object is not a regular file.
    case denied(String)
    /// The store cannot be reached, answers with an error or with something that is no answer of an object store.
    case unavailable(String)
    /// Fewer bytes came than were declared.
    case shortBody
    case tooLarge(limit: Int64)
    case stalled
    case deadline
    case cancelled
    /// The source of an upload failed or gave another length than it declared.
    case uploadFailed(String)

    public var description: String {
        switch self {
        case .invalidLocation(let detail): "invalid location: \(detail)"
        case .bucketNotAllowed(let bucket): "bucket \(bucket) is not allowed"
        case .notFound: "no such object"
        case .denied(let detail): "access denied: \(detail)"
        case .unavailable(let detail): "store unavailable: \(detail)"
        case .shortBody: "fewer bytes than declared"
        case .tooLarge(let limit): "more than \(limit) bytes"
        case .stalled: "the store stopped sending"
        case .deadline: "not complete in time"
        case .cancelled: "cancelled"
        case .uploadFailed(let detail): "upload failed: \(detail)"
        }
    }
}
