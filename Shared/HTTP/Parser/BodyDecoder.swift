/// Takes the body of one request out of the bytes of a connection (RFC 9112 §6 and §7.1).
package struct BodyDecoder {
    private enum Mode {
        case length(remaining: Int)
        case chunked(ChunkedDecoder)
    }

    private var mode: Mode

    package init(_ framing: BodyFraming, limits: HTTPLimits) {
        mode =
            switch framing {
            case .none: .length(remaining: 0)
            case .length(let count): .length(remaining: count)
            case .chunked: .chunked(ChunkedDecoder(limits: limits))
            }
    }

    /// Whether the end of the body was reached. What is left in the input belongs to the next request.
    package var isFinished: Bool {
        switch mode {
        case .length(let remaining): remaining == 0
        case .chunked(let decoder): decoder.isFinished
        }
    }

    /// Advances `input` past what it understood.
    /// - Returns: the next piece of the body, a stretch of `input` that is never empty; nil when `input` is used up or
    ///   `isFinished` became true.
    package mutating func decode(_ input: inout UnsafeRawBufferPointer) throws(BodyError) -> UnsafeRawBufferPointer? {
        switch mode {
        case .length(let remaining):
            let count = min(remaining, input.count)
            if count == 0 { return nil }
            mode = .length(remaining: remaining - count)
            return input.take(count)
        case .chunked(var decoder):
            defer { mode = .chunked(decoder) }
            return try decoder.decode(&input)
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Splits off the first `count` bytes.
    @inline(__always)
    mutating func take(_ count: Int) -> UnsafeRawBufferPointer {
        let taken = UnsafeRawBufferPointer(rebasing: self[..<count])
        self = UnsafeRawBufferPointer(rebasing: self[count...])
        return taken
    }
}
