/// Hands out the parts of a multipart/form-data body (RFC 7578) as they arrive, in flat memory.
public final class MultipartReader {
    /// - Throws: `.notMultipart` or `.badBoundary` where the Content-Type of `request` does not allow it.
    public init(_ request: Request, limits: MultipartLimits = MultipartLimits()) throws(MultipartError) {
        throw .notMultipart
    }

    /// The next part; what is left of the part before is read and thrown away. nil at the end.
    public func nextPart() async throws(MultipartError) -> MultipartPart? {
        nil
    }
}

/// One part, valid until the next one is asked for.
public final class MultipartPart {
    public let name: String
    public let filename: String?
    /// As sent; text/plain where there is none (RFC 7578 §4.4).
    public let contentType: MediaType

    init(name: String, filename: String?, contentType: MediaType) {
        self.name = name
        self.filename = filename
        self.contentType = contentType
    }

    /// The next piece, never empty, valid until the following call; nil at the end of the part.
    public func next() async throws(MultipartError) -> UnsafeRawBufferPointer? {
        nil
    }

    /// The whole of what is left, if it is at most `limit` bytes; otherwise throws `.partTooLarge`.
    public func collect(upTo limit: Int) async throws(MultipartError) -> [UInt8] {
        []
    }
}
