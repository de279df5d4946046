/// Why a multipart/form-data body was refused.
public enum MultipartError: Error, Sendable, Equatable {
    /// The request's Content-Type is not multipart/form-data with a usable boundary.
    case notMultipart
    case badBoundary
    case preambleTooLong
    case epilogueTooLong
    /// A delimiter followed by something other than padding and a line end.
    case malformedDelimiter
    case tooManyParts(limit: Int)
    case partHeaderTooLarge(limit: Int)
    case tooManyPartFields(limit: Int)
    /// A field line of a part that is no field line; says how.
    case malformedPartField(String)
    case repeatedPartField(String)
    /// Missing, not form-data, or not parseable.
    case badContentDisposition(String)
    case missingName
    /// `filename*`, which RFC 7578 §4.2 forbids: two names for one file are one too many.
    case extendedFilename
    case badPartContentType
    /// Anything but 7bit, 8bit and binary (RFC 7578 §4.7).
    case unsupportedTransferEncoding
    /// The body ended without the closing delimiter.
    case missingFinalDelimiter
    /// `collect(upTo:)` met a longer part.
    case partTooLarge(name: String, limit: Int)
    /// The part is over: another was asked for since.
    case partIsOver
    case body(BodyError)

    /// What to answer.
    public var status: HTTPStatus {
        switch self {
        case .notMultipart: .unsupportedMediaType
        case .partTooLarge, .tooManyParts: .contentTooLarge
        case .body(let error): error.status
        default: .badRequest
        }
    }
}
