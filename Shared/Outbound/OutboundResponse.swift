/// Response header fields in the order they came.
public struct OutboundHeaders: Sendable, Hashable {
    public private(set) var fields: [OutboundHeader] = []

    public init(_ fields: [OutboundHeader] = []) {
        self.fields = fields
    }

    /// The first field of this name, whatever its case.
    public func first(_ name: String) -> String? {
        fields.first { OutboundHeaders.equal($0.name, name) }?.value
    }

    /// All fields of this name.
    public func all(_ name: String) -> [String] {
        fields.filter { OutboundHeaders.equal($0.name, name) }.map(\.value)
    }

    mutating func append(_ field: OutboundHeader) { fields.append(field) }

    private static func equal(_ left: String, _ right: String) -> Bool {
        left.utf8.count == right.utf8.count && zip(left.utf8, right.utf8).allSatisfy { lower($0) == lower($1) }
    }

    private static func lower(_ byte: UInt8) -> UInt8 { (65...90).contains(byte) ? byte | 0x20 : byte }
}

/// The head of the final response.
public struct OutboundResponseHead: Sendable, Hashable {
    /// 200 to 999; informational responses are passed over.
    public var status: Int
    public var headers: OutboundHeaders
    /// Content-Length; nil where the body is chunked or ends with the connection. For HEAD, what GET would have sent.
    public var declaredLength: Int64?
    /// Whether the end of the body can be told from a lost connection: Content-Length or chunked.
    public var isDelimited: Bool

    public init(status: Int, headers: OutboundHeaders = OutboundHeaders(), declaredLength: Int64? = nil, isDelimited: Bool = true) {
        self.status = status
        self.headers = headers
        self.declaredLength = declaredLength
        self.isDelimited = isDelimited
    }
}

/// A complete response, its body in memory.
public struct OutboundResponse: Sendable, Hashable {
    public var head: OutboundResponseHead
    public var body: [UInt8]

    public var status: Int { head.status }
    public var headers: OutboundHeaders { head.headers }

    public init(head: OutboundResponseHead, body: [UInt8]) {
        self.head = head
        self.body = body
    }
}
