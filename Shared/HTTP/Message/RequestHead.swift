/// A stretch of the head's bytes.
package struct HeadSlice: Sendable, Equatable {
    package var start: UInt32 = 0
    package var count: UInt32 = 0

    package init() {}

    @inline(__always)
    init(_ start: Int, _ end: Int) {
        self.start = UInt32(truncatingIfNeeded: start)
        self.count = UInt32(truncatingIfNeeded: end &- start)
    }
}

/// One field line of a head.
package struct HeadField: Sendable, Equatable {
    package var name = HeadSlice()
    /// Without the white space around it.
    package var value = HeadSlice()

    package init() {}

    @inline(__always)
    init(name: HeadSlice, value: HeadSlice) {
        self.name = name
        self.value = value
    }
}

/// How the body of a request is delimited (RFC 9112 §6.3).
package enum BodyFraming: Sendable, Equatable {
    case none
    /// In bytes, above 0.
    case length(Int)
    case chunked

    package var declaredLength: Int? {
        switch self {
        case .none: 0
        case .length(let count): count
        case .chunked: nil
        }
    }
}

/// What the parser found, by position; the bytes are the request's.
package struct RequestHead: Sendable, Equatable {
    package var method = HeadSlice()
    /// Begins with "/", or is "*". Undecoded.
    package var path = HeadSlice()
    /// Without the question mark.
    package var query = HeadSlice()
    package var hasQuery = false
    /// The path holds a percent sign.
    package var isPathEncoded = false
    /// From the target where that has one, else from the Host field.
    package var host = HeadSlice()
    package var version = HTTPVersion.http11
    package var keepsAlive = true
    package var expectsContinue = false
    package var framing = BodyFraming.none
    package var fieldCount = 0
    /// Of the head, from the first byte of the request line to the empty line's LF.
    package var byteCount = 0

    package init() {}
}
