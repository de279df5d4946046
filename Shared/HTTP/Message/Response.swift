/// What a responder answers. Framing, `Date` and `Connection` are the connection's to write: fields of those names
/// (`Content-Length`, `Transfer-Encoding`, `Connection`, `Keep-Alive`, `Date`) set here are passed over.
public struct Response: Sendable {
    public enum Body: Sendable {
        case empty
        case bytes([UInt8])
        /// Written by the closure after the head went out: chunked where `contentLength` is nil. A thrown error or a
        /// wrong count cuts the connection, so that the client can tell. Not run for HEAD.
        case stream(contentLength: Int?, @Sendable (ResponseWriter) async throws -> Void)

        /// In bytes; nil where only the end of the stream will tell.
        public var length: Int? {
            switch self {
            case .empty: 0
            case .bytes(let bytes): bytes.count
            case .stream(let contentLength, _): contentLength
            }
        }
    }

    public var status: HTTPStatus
    public var fields: HTTPFields
    public var body: Body
    /// Ends the connection after this response.
    public var closesConnection: Bool

    public init(
        _ status: HTTPStatus, fields: HTTPFields = HTTPFields(), body: Body = .empty, closesConnection: Bool = false
    ) {
        self.status = status
        self.fields = fields
        self.body = body
        self.closesConnection = closesConnection
    }

    public init(_ status: HTTPStatus, contentType: String, _ bytes: [UInt8]) {
        self.init(status, body: .bytes(bytes))
        fields.add("Content-Type", contentType)
    }

    public init(_ status: HTTPStatus, text: String) {
        self.init(status, contentType: "text/plain; charset=utf-8", Array(text.utf8))
    }
}
