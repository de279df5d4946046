/// Bytes that never became a request, or a request that the listener will not take.
/// The connection closes after the answer.
public struct HTTPFault: Error, Sendable, Equatable {
    public let status: HTTPStatus
    public let reason: Reason
    /// For the log and the client: says what was wrong, repeats none of the client's bytes.
    public let detail: String
    /// Where the request line was understood.
    public var method: HTTPMethod?
    /// The undecoded path, where the request line was understood.
    public var path: String?

    /// Stable codes, fit for metrics and machine-read errors.
    public enum Reason: String, Sendable, CaseIterable {
        case badRequestLine = "bad_request_line"
        case badMethod = "bad_method"
        case badTarget = "bad_target"
        case badPath = "bad_path"
        case bareLineBreak = "bare_line_break"
        case controlCharacter = "control_character"
        case badFieldName = "bad_field_name"
        case spaceBeforeColon = "space_before_colon"
        case obsoleteFolding = "obsolete_folding"
        case missingHost = "missing_host"
        case repeatedHost = "repeated_host"
        case badHost = "bad_host"
        case badContentLength = "bad_content_length"
        case repeatedContentLength = "repeated_content_length"
        case conflictingFraming = "conflicting_framing"
        case badTransferEncoding = "bad_transfer_encoding"
        case requestTimeout = "request_timeout"
        case requestLineTooLong = "request_line_too_long"
        case headerTooLarge = "header_too_large"
        case tooManyFields = "too_many_fields"
        case expectationFailed = "expectation_failed"
        case unknownTransferCoding = "unknown_transfer_coding"
        case methodNotImplemented = "method_not_implemented"
        case overCapacity = "over_capacity"
        case versionNotSupported = "version_not_supported"

        public var status: HTTPStatus {
            switch self {
            case .requestTimeout: .requestTimeout
            case .requestLineTooLong: .uriTooLong
            case .headerTooLarge, .tooManyFields: .requestHeaderFieldsTooLarge
            case .expectationFailed: .expectationFailed
            case .unknownTransferCoding, .methodNotImplemented: .notImplemented
            case .overCapacity: .serviceUnavailable
            case .versionNotSupported: .httpVersionNotSupported
            default: .badRequest
            }
        }
    }

    public init(_ reason: Reason, _ detail: String, method: HTTPMethod? = nil, path: String? = nil) {
        self.status = reason.status
        self.reason = reason
        self.detail = detail
        self.method = method
        self.path = path
    }
}
