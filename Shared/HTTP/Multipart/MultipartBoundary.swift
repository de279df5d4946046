/// What separates the parts of a multipart body: 1 to 70 characters (RFC 2046 §5.1.1).
public struct MultipartBoundary: Sendable, Equatable {
    public let text: String

    /// - Throws: `.badBoundary`
    public init(_ text: String) throws(MultipartError) {
        let bytes = text.utf8
        guard (1...70).contains(bytes.count), bytes.last != 0x20,
            bytes.allSatisfy({ ByteClass.has($0, ByteClass.boundary) })
        else { throw .badBoundary }
        self.text = text
    }

    /// The boundary that a Content-Type field names.
    /// - Throws: `.notMultipart` where the type is not multipart/form-data, `.badBoundary` where it names none.
    public init(contentType: String?) throws(MultipartError) {
        guard let contentType, let type = MediaType(parsing: contentType), type.essence == "multipart/form-data" else {
            throw .notMultipart
        }
        guard let boundary = type["boundary"] else { throw .badBoundary }
        try self.init(boundary)
    }

    /// CR, LF, two hyphens and the boundary. CR occurs at the front only: a match that breaks off can begin again
    /// nowhere inside what was matched.
    var delimiter: [UInt8] { [0x0D, 0x0A, 0x2D, 0x2D] + Array(text.utf8) }
}
