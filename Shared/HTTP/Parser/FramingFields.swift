/// The fields that decide where a request ends and whether another may follow (RFC 9112 §6 and §9.3), gathered as the
/// field lines pass by and judged at the end of the head.
struct FramingFields {
    private var hostCount = 0
    private var host = HeadSlice()
    private var lengthCount = 0
    private var length = HeadSlice()
    private var hasTransferEncoding = false
    private var isChunked = false
    private var hasUnknownCoding = false
    private var hasBadCoding = false
    private var asksClose = false
    private var asksKeepAlive = false
    private var expectsContinue = false
    private var hasUnknownExpectation = false

    init() {}

    @inline(__always)
    mutating func note(_ field: HeadField, _ base: UnsafePointer<UInt8>) {
        let name = base + Int(field.name.start)
        switch field.name.count {
        case 4 where ByteClass.same(name, "host", 4):
            hostCount &+= 1
            host = field.value
        case 6 where ByteClass.same(name, "expect", 6):
            noteExpectation(value(of: field, base))
        case 10 where ByteClass.same(name, "connection", 10):
            noteConnection(value(of: field, base))
        case 14 where ByteClass.same(name, "content-length", 14):
            lengthCount &+= 1
            length = field.value
        case 17 where ByteClass.same(name, "transfer-encoding", 17):
            noteTransferEncoding(value(of: field, base))
        default:
            break
        }
    }

    /// Puts what the fields mean into `head`.
    func decide(_ head: inout RequestHead, _ base: UnsafePointer<UInt8>, isAbsoluteForm: Bool) throws(HTTPFault) {
        try decideHost(&head, base, isAbsoluteForm: isAbsoluteForm)
        try decideFraming(&head, base)
        head.keepsAlive = !asksClose && (head.version == .http11 || asksKeepAlive)
        if head.version == .http11 {
            if hasUnknownExpectation { throw HTTPFault(.expectationFailed, "The expectation is not 100-continue.") }
            head.expectsContinue = expectsContinue && head.framing != .none
        }
    }

    // MARK: Gathering

    private func value(of field: HeadField, _ base: UnsafePointer<UInt8>) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(start: base + Int(field.value.start), count: Int(field.value.count))
    }

    private mutating func noteExpectation(_ value: UnsafeRawBufferPointer) {
        if ByteClass.spells(value, "100-continue") { expectsContinue = true } else { hasUnknownExpectation = true }
    }

    private mutating func noteConnection(_ value: UnsafeRawBufferPointer) {
        Self.forEachElement(of: value) { token in
            if ByteClass.spells(token, "close") {
                asksClose = true
            } else if ByteClass.spells(token, "keep-alive") {
                asksKeepAlive = true
            }
        }
    }

    private mutating func noteTransferEncoding(_ value: UnsafeRawBufferPointer) {
        hasTransferEncoding = true
        Self.forEachElement(of: value) { coding in
            if coding.isEmpty || isChunked {
                hasBadCoding = true  // nothing may follow chunked, chunked itself included
            } else if ByteClass.spells(coding, "chunked") {
                isChunked = true
            } else if coding.allSatisfy(ByteClass.isToken) {
                hasUnknownCoding = true
            } else {
                hasBadCoding = true
            }
        }
    }

    /// Calls `body` with every element of a comma-separated list, without the white space around it.
    private static func forEachElement(
        of value: UnsafeRawBufferPointer, _ body: (UnsafeRawBufferPointer) -> Void
    ) {
        var start = 0
        while start <= value.count {
            var end = start
            while end < value.count, value[end] != 0x2C { end &+= 1 }
            var first = start
            var last = end
            while first < last, ByteScan.isBlank(value[first]) { first &+= 1 }
            while last > first, ByteScan.isBlank(value[last &- 1]) { last &-= 1 }
            body(UnsafeRawBufferPointer(rebasing: value[first..<last]))
            start = end &+ 1
        }
    }

    // MARK: Judging

    private func decideHost(
        _ head: inout RequestHead, _ base: UnsafePointer<UInt8>, isAbsoluteForm: Bool
    ) throws(HTTPFault) {
        if hostCount == 0 {
            if head.version == .http11 { throw HTTPFault(.missingHost, "The request has no Host field.") }
            return
        }
        if hostCount > 1 { throw HTTPFault(.repeatedHost, "The request has more than one Host field.") }
        guard HostSyntax.isHost(base + Int(host.start), Int(host.count)) else {
            throw HTTPFault(.badHost, "The Host field is malformed.")
        }
        if !isAbsoluteForm { head.host = host }  // RFC 9112 §3.2.2
    }

    private func decideFraming(_ head: inout RequestHead, _ base: UnsafePointer<UInt8>) throws(HTTPFault) {
        if hasTransferEncoding {
            if lengthCount > 0 {
                throw HTTPFault(.conflictingFraming, "The request has Content-Length and Transfer-Encoding.")
            }
            if head.version == .http10 {
                throw HTTPFault(.conflictingFraming, "HTTP/1.0 has no Transfer-Encoding.")
            }
            if hasBadCoding { throw HTTPFault(.badTransferEncoding, "The Transfer-Encoding field is malformed.") }
            if hasUnknownCoding { throw HTTPFault(.unknownTransferCoding, "The only transfer coding is chunked.") }
            head.framing = .chunked
            return
        }
        if lengthCount == 0 { return }
        if lengthCount > 1 {
            throw HTTPFault(.repeatedContentLength, "The request has more than one Content-Length field.")
        }
        let count = try parseLength(base + Int(length.start), Int(length.count))
        head.framing = count == 0 ? .none : .length(count)
    }

    private func parseLength(_ digits: UnsafePointer<UInt8>, _ count: Int) throws(HTTPFault) -> Int {
        // Nineteen digits are the most that cannot wrap a UInt64.
        guard count > 0, count <= 19 else { throw .badLength }
        var value: UInt64 = 0
        for index in 0..<count {
            let digit = digits[index] &- 0x30
            guard digit < 10 else { throw .badLength }
            value = value &* 10 &+ UInt64(digit)
        }
        guard let length = Int(exactly: value) else { throw .badLength }
        return length
    }
}

extension HTTPFault {
    fileprivate static var badLength: HTTPFault {
        HTTPFault(.badContentLength, "The Content-Length field is not a number of bytes.")
    }
}

extension ByteClass {
    @inline(__always)
    fileprivate static func same(_ bytes: UnsafePointer<UInt8>, _ word: StaticString, _ count: Int) -> Bool {
        same(bytes, word.utf8Start, count)
    }
}
