/// Takes the body of one request out of the bytes of a connection (RFC 9112 §6 and §7.1).
package struct BodyDecoder {
    /// Whether the end of the body was reached. What is left in the input belongs to the next request.
    package private(set) var isFinished: Bool

    package init(_ framing: BodyFraming, limits: HTTPLimits) {
        isFinished = true
    }

    /// Advances `input` past what it understood.
    /// - Returns: the next piece of the body, a stretch of `input` that is never empty; nil when `input` is used up or
    ///   `isFinished` became true.
    package mutating func decode(_ input: inout UnsafeRawBufferPointer) throws(BodyError) -> UnsafeRawBufferPointer? {
        nil
    }
}
