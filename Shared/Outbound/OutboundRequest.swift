/// The methods this client speaks.
public enum OutboundMethod: String, Sendable, Hashable, CaseIterable {
    case get = "GET"
    case head = "HEAD"
    case put = "PUT"
    case post = "POST"
    case patch = "PATCH"
    case delete = "DELETE"

    /// Whether a second arrival does no more than the first (RFC 9110 §9.2.2).
    var isIdempotent: Bool { self != .post && self != .patch }
}

/// One header field.
public struct OutboundHeader: Sendable, Hashable {
    public var name: String
    public var value: String

    public init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

/// What is sent after the head.
public enum OutboundBody: Sendable {
    case none
    case bytes([UInt8])
    /// Exactly `length` bytes, asked for piece by piece when there is room; nil is the end. Runs on the loop of the transfer, and what it throws
    /// ends the transfer. A source that gives fewer or more bytes is an error.
    case stream(length: Int64, next: @Sendable () async throws -> [UInt8]?)
}

/// A request to another system.
public struct OutboundRequest: Sendable {
    public var method: OutboundMethod
    public var url: OutboundURL
    /// Sent in this order. `Host`, `Content-Length` and `User-Agent` are added where absent.
    public var headers: [OutboundHeader]
    public var body: OutboundBody
    /// In place of the client's own.
    public var limits: OutboundLimits?

    public init(
        _ method: OutboundMethod, _ url: OutboundURL, headers: [OutboundHeader] = [], body: OutboundBody = .none,
        limits: OutboundLimits? = nil
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.limits = limits
    }

    /// Why the request cannot go out, or nil. Line breaks in a value would be headers of someone else's choosing.
    var defect: String? {
        for header in headers {
            guard !header.name.isEmpty, header.name.utf8.allSatisfy(OutboundRequest.isTokenByte) else {
                return "a header name is not a token"
            }
            guard header.value.utf8.allSatisfy({ ($0 >= 0x20 || $0 == 0x09) && $0 != 0x7f }) else {
                return "the value of header \(header.name) holds a control character"
            }
            switch header.name.lowercased() {
            case "content-length", "transfer-encoding", "connection", "expect", "te", "upgrade":
                return "header \(header.name) belongs to the client"
            default: break
            }
        }
        if case .stream(let length, _) = body, length < 0 { return "a negative length" }
        if method == .head, case .none = body { return nil }
        return method == .head ? "HEAD has no body" : nil
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
            UInt8(ascii: "0")...UInt8(ascii: "9"):
            true
        default: "!#$%&'*+-.^_`|~".utf8.contains(byte)
        }
    }
}
