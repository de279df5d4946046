public import EventLoop

/// One request. A connection has one such object and uses it again and again: it is valid until `respond(to:)`
/// returns, and what is to live longer must be copied out. Not Sendable; it stays on its loop.
///
/// The object keeps its own copy of the head; a field costs nothing until it is asked for.
public final class Request {
    public internal(set) var method = HTTPMethod.get
    /// Filled by `Router.match(_:)`.
    public internal(set) var parameters = PathParameters()
    public let body = RequestBody()
    /// The other end of the connection; nil where it has no address.
    public var peer: SocketAddress?
    /// When the first byte of the head was read.
    public var receivedAt = MonotonicTime(nanoseconds: 0)
    /// The client arrived over TLS.
    public var isTLS = false
    /// A slot for the layer above, which may keep one object in it for the life of the connection.
    public var userInfo: AnyObject?

    package internal(set) var head = RequestHead()

    /// The head's bytes, first `head.byteCount` of `capacity`.
    private(set) var bytes: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// The field lines, first `head.fieldCount` of `fieldCapacity`.
    private(set) var fields: UnsafeMutablePointer<HeadField>
    private(set) var fieldCapacity: Int

    var decodedPath: String?
    var decodedQuery: Result<QueryParameters, QueryError>?

    public init() {
        capacity = 1024
        bytes = .allocate(capacity: capacity)
        fieldCapacity = 16
        fields = .allocate(capacity: fieldCapacity)
    }

    deinit {
        bytes.deallocate()
        fields.deallocate()
    }

    public var version: HTTPVersion { head.version }

    /// Whether the client allows another request after this one (RFC 9112 §9.3).
    public var keepsAlive: Bool { head.keepsAlive }

    /// The path, percent-decoded once, always valid UTF-8; "*" for `OPTIONS *`.
    /// An encoded slash shows as a slash here: routing never uses this, it uses the bytes as sent.
    public var path: String {
        if let decodedPath { return decodedPath }
        let decoded = head.isPathEncoded ? (try? PercentCoding.decode(slice(head.path))) ?? rawPath : rawPath
        decodedPath = decoded
        return decoded
    }

    /// The path as sent, without the query.
    public var rawPath: String { String(decoding: slice(head.path), as: UTF8.self) }

    /// The path as sent; valid as long as the request.
    public var rawPathBytes: UnsafeRawBufferPointer { slice(head.path) }

    /// The query as sent, without the question mark; nil where there is no question mark.
    public var rawQuery: String? { head.hasQuery ? String(decoding: slice(head.query), as: UTF8.self) : nil }

    /// The query's parameters, decoded when first asked for.
    public var query: QueryParameters {
        get throws(QueryError) {
            if let decodedQuery { return try decodedQuery.get() }
            let result: Result<QueryParameters, QueryError>
            do throws(QueryError) {
                result = .success(head.hasQuery ? try QueryParameters(slice(head.query)) : QueryParameters())
            } catch {
                result = .failure(error)
            }
            decodedQuery = result
            return try result.get()
        }
    }

    /// The authority the client asked for, port included; nil only for HTTP/1.0.
    public var host: String? {
        head.host.count == 0 ? nil : String(decoding: slice(head.host), as: UTF8.self)
    }

    // MARK: The parser's side

    @inline(__always)
    func slice(_ slice: HeadSlice) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: bytes + Int(slice.start), count: Int(slice.count))
    }

    /// Makes room for one more field line than `count`.
    func growFields(past count: Int) {
        let larger = UnsafeMutablePointer<HeadField>.allocate(capacity: fieldCapacity * 2)
        larger.update(from: fields, count: count)
        fields.deallocate()
        fields = larger
        fieldCapacity *= 2
    }

    /// Takes over a parsed head: copies its bytes, forgets the request before.
    func adopt(_ head: RequestHead, method: HTTPMethod, from source: UnsafePointer<UInt8>) {
        if head.byteCount > capacity {
            bytes.deallocate()
            capacity = head.byteCount
            bytes = .allocate(capacity: capacity)
        }
        bytes.update(from: source, count: head.byteCount)
        self.head = head
        self.method = method
        decodedPath = nil
        decodedQuery = nil
        if !parameters.isEmpty { parameters = PathParameters() }
    }
}
