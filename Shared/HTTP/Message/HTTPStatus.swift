/// A status code of three digits (RFC 9110 §15).
public struct HTTPStatus: Sendable, Hashable, CustomStringConvertible {
    private let value: UInt16

    /// - Precondition: `code` is in 100...599. Codes come from this program, never from outside.
    public init(_ code: Int) {
        precondition((100...599).contains(code), "not an HTTP status")
        value = UInt16(code)
    }

    private init(known code: UInt16) { value = code }

    public var code: Int { Int(value) }

    public var description: String { "\(code) \(reasonPhrase)" }

    /// Whether a response of this status has no body whatever its fields say (RFC 9110 §6.4.1).
    public var forbidsBody: Bool { value < 200 || value == 204 || value == 304 }

    public static let `continue` = HTTPStatus(known: 100)
    public static let ok = HTTPStatus(known: 200)
    public static let created = HTTPStatus(known: 201)
    public static let accepted = HTTPStatus(known: 202)
    public static let noContent = HTTPStatus(known: 204)
    public static let seeOther = HTTPStatus(known: 303)
    public static let notModified = HTTPStatus(known: 304)
    public static let badRequest = HTTPStatus(known: 400)
    public static let unauthorized = HTTPStatus(known: 401)
    public static let forbidden = HTTPStatus(known: 403)
    public static let notFound = HTTPStatus(known: 404)
    public static let methodNotAllowed = HTTPStatus(known: 405)
    public static let notAcceptable = HTTPStatus(known: 406)
    public static let requestTimeout = HTTPStatus(known: 408)
    public static let conflict = HTTPStatus(known: 409)
    public static let gone = HTTPStatus(known: 410)
    public static let lengthRequired = HTTPStatus(known: 411)
    public static let preconditionFailed = HTTPStatus(known: 412)
    public static let contentTooLarge = HTTPStatus(known: 413)
    public static let uriTooLong = HTTPStatus(known: 414)
    public static let unsupportedMediaType = HTTPStatus(known: 415)
    public static let rangeNotSatisfiable = HTTPStatus(known: 416)
    public static let expectationFailed = HTTPStatus(known: 417)
    public static let unprocessableContent = HTTPStatus(known: 422)
    public static let locked = HTTPStatus(known: 423)
    public static let preconditionRequired = HTTPStatus(known: 428)
    public static let tooManyRequests = HTTPStatus(known: 429)
    public static let requestHeaderFieldsTooLarge = HTTPStatus(known: 431)
    public static let internalServerError = HTTPStatus(known: 500)
    public static let notImplemented = HTTPStatus(known: 501)
    public static let badGateway = HTTPStatus(known: 502)
    public static let serviceUnavailable = HTTPStatus(known: 503)
    public static let gatewayTimeout = HTTPStatus(known: 504)
    public static let httpVersionNotSupported = HTTPStatus(known: 505)

    /// The registered phrase; empty for a code without one, which RFC 9112 §4 allows.
    public var reasonPhrase: String { phrase.description }

    package var phrase: StaticString {
        switch value {
        case 100: "Continue"
        case 101: "Switching Protocols"
        case 200: "OK"
        case 201: "Created"
        case 202: "Accepted"
        case 203: "Non-Authoritative Information"
        case 204: "No Content"
        case 205: "Reset Content"
        case 206: "Partial Content"
        case 300: "Multiple Choices"
        case 301: "Moved Permanently"
        case 302: "Found"
        case 303: "See Other"
        case 304: "Not Modified"
        case 307: "Temporary Redirect"
        case 308: "Permanent Redirect"
        case 400: "Bad Request"
        case 401: "Unauthorized"
        case 402: "Payment Required"
        case 403: "Forbidden"
        case 404: "Not Found"
        case 405: "Method Not Allowed"
        case 406: "Not Acceptable"
        case 408: "Request Timeout"
        case 409: "Conflict"
        case 410: "Gone"
        case 411: "Length Required"
        case 412: "Precondition Failed"
        case 413: "Content Too Large"
        case 414: "URI Too Long"
        case 415: "Unsupported Media Type"
        case 416: "Range Not Satisfiable"
        case 417: "Expectation Failed"
        case 421: "Misdirected Request"
        case 422: "Unprocessable Content"
        case 423: "Locked"
        case 424: "Failed Dependency"
        case 425: "Too Early"
        case 426: "Upgrade Required"
        case 428: "Precondition Required"
        case 429: "Too Many Requests"
        case 431: "Request Header Fields Too Large"
        case 451: "Unavailable For Legal Reasons"
        case 500: "Internal Server Error"
        case 501: "Not Implemented"
        case 502: "Bad Gateway"
        case 503: "Service Unavailable"
        case 504: "Gateway Timeout"
        case 505: "HTTP Version Not Supported"
        default: ""
        }
    }
}
