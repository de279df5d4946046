public import HTTP

/// An answer as it is kept for replay: given again byte for byte.
public struct StoredResponse: Sendable, Equatable {
    public let status: Int
    public let fields: HTTPFields
    public let body: [UInt8]

    public init(status: Int, fields: HTTPFields, body: [UInt8]) {
        precondition((200...599).contains(status), "no final status")
        self.status = status
        self.fields = fields
        self.body = body
    }

    /// nil for a streamed body, which cannot be kept.
    public init?(_ response: Response) {
        switch response.body {
        case .empty: self.init(status: response.status.code, fields: response.fields, body: [])
        case .bytes(let bytes): self.init(status: response.status.code, fields: response.fields, body: bytes)
        case .stream: return nil
        }
    }

    /// The answer to send, with `Idempotency-Replayed`.
    public func response(replayed: Bool) -> Response {
        var response = Response(HTTPStatus(status), fields: fields, body: body.isEmpty ? .empty : .bytes(body))
        response.fields.set("Idempotency-Replayed", replayed ? "true" : "false")
        return response
    }

    /// One field a line; a value holds no line break, as `HTTPFields` sees to it.
    var fieldText: String { fields.fields.map { "\($0.name): \($0.value)" }.joined(separator: "\n") }

    static func fields(from text: String) -> HTTPFields {
        var fields = HTTPFields()
        for line in text.split(separator: "\n") {
            guard let colon = line.firstIndex(of: ":") else { continue }
            try? fields.addChecked(String(line[..<colon]), String(line[line.index(after: colon)...].dropFirst()))
        }
        return fields
    }
}
