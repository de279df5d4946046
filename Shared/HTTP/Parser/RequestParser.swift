/// Reads the head of a request (RFC 9112 §2 to §6) out of a buffer that fills bit by bit.
///
/// No byte is looked at twice: the parser remembers where it stopped, and what a request means does not depend on how
/// its bytes were cut. Strict where leniency is exploited: every refusal is an `HTTPFault`, after which the connection
/// closes and the parser is not used again.
package struct RequestParser {
    private enum Phase {
        case start, requestLine, fieldName, fieldValue
    }

    private let limits: HTTPLimits
    let classes = ByteClass.table

    private var phase = Phase.start
    /// Bytes of an empty line before the head; every position below counts from its end.
    private var origin = 0
    /// The first byte that was not looked at.
    private var position = 0
    private var lineStart = 0
    private var nameEnd = 0
    /// Position past which the fields are too large.
    private var fieldsEnd = 0

    var head = RequestHead()
    var method: HTTPMethod?
    /// The target named an authority of its own, which outranks the Host field.
    var isAbsoluteForm = false
    private var framing = FramingFields()

    package init(limits: HTTPLimits = HTTPLimits()) {
        self.limits = limits
    }

    /// Whether some bytes of a head were seen: tells a slow header from an idle connection.
    package var isMidHead: Bool { phase != .start }

    /// Looks for a head at the start of `bytes`, and puts it into `request`, which no handler may be using.
    ///
    /// After nil the caller keeps every byte and calls again with the same bytes and more behind them. After a head
    /// the caller drops as many bytes as returned, and the next call begins a new head.
    /// - Returns: bytes the head took up, an empty line before it included; nil while it is incomplete.
    package mutating func parse(
        _ bytes: UnsafeRawBufferPointer, into request: Request
    ) throws(HTTPFault) -> Int? {
        guard let start = bytes.baseAddress?.assumingMemoryBound(to: UInt8.self) else { return nil }
        if phase == .start {
            guard try begin(start, bytes.count) else { return nil }
        }
        let base = start + origin
        let count = bytes.count &- origin
        do throws(HTTPFault) {
            if phase == .requestLine {
                guard try readRequestLine(base, count) else { return nil }
            }
            guard try readFields(base, count, into: request) else { return nil }
            try framing.decide(&head, base, isAbsoluteForm: isAbsoluteForm)
        } catch {
            throw described(error, base)
        }
        request.adopt(head, method: method ?? .get, from: base)
        let consumed = origin &+ head.byteCount
        reset()
        return consumed
    }

    // MARK: Stages

    /// Passes over one empty line (RFC 9112 §2.2), and sees that what follows can be a method at all: bytes of
    /// another protocol are refused at the first of them.
    private mutating func begin(_ start: UnsafePointer<UInt8>, _ count: Int) throws(HTTPFault) -> Bool {
        var skipped = 0
        if start[0] == 0x0D {
            guard count > 1 else { return false }
            guard start[1] == 0x0A else { throw .bareCarriageReturn }
            skipped = 2
        }
        guard count > skipped else { return false }
        guard classes[Int(start[skipped])] & ByteClass.token != 0 else {
            throw HTTPFault(.badMethod, "The request does not begin with a method.")
        }
        origin = skipped
        phase = .requestLine
        return true
    }

    private mutating func readRequestLine(_ base: UnsafePointer<UInt8>, _ count: Int) throws(HTTPFault) -> Bool {
        let bound = min(count, limits.requestLineBytes &+ 1)
        let end = ByteScan.firstControl(base, from: position, to: bound)
        position = end
        if end == bound {
            if end > limits.requestLineBytes {
                throw HTTPFault(.requestLineTooLong, "The request line is longer than \(limits.requestLineBytes) bytes.")
            }
            return false
        }
        guard base[end] == 0x0D else { throw .control(base[end]) }
        guard end &+ 1 < count else { return false }
        guard base[end &+ 1] == 0x0A else { throw .bareCarriageReturn }
        try parseRequestLine(base, end)
        position = end &+ 2
        lineStart = position
        fieldsEnd = position &+ limits.headerBytes
        phase = .fieldName
        return true
    }

    /// Reads field lines until the empty one.
    private mutating func readFields(
        _ base: UnsafePointer<UInt8>, _ count: Int, into request: Request
    ) throws(HTTPFault) -> Bool {
        let bound = min(count, fieldsEnd)
        let classes = classes
        var position = position
        var lineStart = lineStart
        var nameEnd = nameEnd
        var phase = phase
        var fieldCount = head.fieldCount
        while true {
            if phase == .fieldName {
                if position == lineStart, position < bound {
                    let first = base[position]
                    if first == 0x0D {
                        guard position &+ 1 < bound else { break }
                        guard base[position &+ 1] == 0x0A else { throw .bareCarriageReturn }
                        head.fieldCount = fieldCount
                        head.byteCount = position &+ 2
                        return true
                    }
                    if first == 0x20 || first == 0x09 {
                        throw HTTPFault(.obsoleteFolding, "A field line begins with white space.")
                    }
                    if fieldCount == limits.headerCount {
                        throw HTTPFault(.tooManyFields, "The request has more than \(limits.headerCount) fields.")
                    }
                }
                while position < bound, classes[Int(base[position])] & ByteClass.token != 0 { position &+= 1 }
                if position == bound { break }
                guard base[position] == 0x3A, position > lineStart else {
                    throw .badName(base[position], isAtStart: position == lineStart)
                }
                nameEnd = position
                position &+= 1
                phase = .fieldValue
            }
            position = ByteScan.firstControl(base, from: position, to: bound)
            if position == bound { break }
            guard base[position] == 0x0D else { throw .control(base[position]) }
            guard position &+ 1 < bound else { break }
            guard base[position &+ 1] == 0x0A else { throw .bareCarriageReturn }
            var valueStart = nameEnd &+ 1
            var valueEnd = position
            while valueStart < valueEnd, ByteScan.isBlank(base[valueStart]) { valueStart &+= 1 }
            while valueEnd > valueStart, ByteScan.isBlank(base[valueEnd &- 1]) { valueEnd &-= 1 }
            let field = HeadField(name: HeadSlice(lineStart, nameEnd), value: HeadSlice(valueStart, valueEnd))
            if fieldCount == request.fieldCapacity { request.growFields(past: fieldCount) }
            request.fields[fieldCount] = field
            fieldCount &+= 1
            framing.note(field, base)
            position &+= 2
            lineStart = position
            phase = .fieldName
        }
        if count >= fieldsEnd {
            throw HTTPFault(.headerTooLarge, "The fields are larger than \(limits.headerBytes) bytes.")
        }
        self.position = position
        self.lineStart = lineStart
        self.nameEnd = nameEnd
        self.phase = phase
        head.fieldCount = fieldCount
        return false
    }

    // MARK: Helpers

    private mutating func reset() {
        phase = .start
        origin = 0
        position = 0
        head = RequestHead()
        method = nil
        isAbsoluteForm = false
        framing = FramingFields()
    }

    /// The fault with as much of the request line as was understood.
    private func described(_ fault: HTTPFault, _ base: UnsafePointer<UInt8>) -> HTTPFault {
        var fault = fault
        fault.method = method
        if head.path.count > 0 {
            let path = UnsafeBufferPointer(start: base + Int(head.path.start), count: Int(head.path.count))
            fault.path = String(decoding: path, as: UTF8.self)
        }
        return fault
    }
}

extension HTTPFault {
    static var bareCarriageReturn: HTTPFault {
        HTTPFault(.bareLineBreak, "A carriage return is not followed by a line feed.")
    }

    static func control(_ byte: UInt8) -> HTTPFault {
        byte == 0x0A
            ? HTTPFault(.bareLineBreak, "A line feed does not follow a carriage return.")
            : HTTPFault(.controlCharacter, "The head holds a control character.")
    }

    /// What stands where a field name should have gone on.
    static func badName(_ byte: UInt8, isAtStart: Bool) -> HTTPFault {
        switch byte {
        case 0x20, 0x09: HTTPFault(.spaceBeforeColon, "White space stands between a field name and its colon.")
        case 0x3A where isAtStart: HTTPFault(.badFieldName, "A field has no name.")
        case 0x0D: HTTPFault(.badFieldName, "A field line has no colon.")
        case 0x0A: control(byte)
        case 0..<0x20, 0x7F: control(byte)
        default: HTTPFault(.badFieldName, "A field name holds a character that is not allowed.")
        }
    }
}
