import HTTP

/// Why a body could not be taken apart. Its message is for the client: no bytes of the body in it.
enum IntakeError: Error {
    case multipart(MultipartError)
    case repeatedPart(String)
    case repeatedWALFile
    case tooManyWALFiles(limit: Int)

    var message: String {
        switch self {
        case .multipart(let error): error.message
        case .repeatedPart(let name): "the part \(name) occurs more than once"
        case .repeatedWALFile: "two wal_files have the same file name"
        case .tooManyWALFiles(let limit): "there are more than \(limit) wal_files"
        }
    }
}

extension MultipartError {
    var message: String {
        switch self {
        case .notMultipart: "the body must be multipart/form-data"
        case .badBoundary: "the multipart boundary is missing or malformed"
        case .preambleTooLong: "the multipart body begins with too many bytes before its first part"
        case .epilogueTooLong: "too many bytes follow the last part"
        case .malformedDelimiter: "a multipart delimiter is malformed"
        case .tooManyParts(let limit): "the body has more than \(limit) parts"
        case .partHeaderTooLarge(let limit): "a part's header is larger than \(limit) bytes"
        case .tooManyPartFields(let limit): "a part's header has more than \(limit) fields"
        case .malformedPartField: "a part's header is malformed"
        case .repeatedPartField: "a field of a part's header occurs more than once"
        case .badContentDisposition: "a part's Content-Disposition is missing or malformed"
        case .missingName: "a part has no name"
        case .extendedFilename: "a part uses filename*, which RFC 7578 forbids"
        case .badPartContentType: "a part's Content-Type is malformed"
        case .unsupportedTransferEncoding: "a part uses a content transfer encoding"
        case .missingFinalDelimiter: "the multipart body ends without its closing delimiter"
        case .partTooLarge(let name, let limit): "the part \(name) is larger than \(limit) bytes"
        case .partIsOver: "a part was read after its end"
        case .body(let error): error.message
        }
    }
}

extension BodyError {
    var message: String {
        switch self {
        case .tooLarge(let limit): "the body is larger than \(limit) bytes"
        case .stalled: "the body stopped arriving"
        case .malformedChunk: "the chunked coding of the body is malformed"
        case .truncated, .closed: "the body ended early"
        }
    }
}
