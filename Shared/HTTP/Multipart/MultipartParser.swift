/// What a multipart body consists of, in order: any number of parts, each begun, some data, ended; then finished.
public enum MultipartEvent {
    case partBegan(MultipartPartHead)
    /// Never empty. Points into the input, or into the parser; valid until the next call.
    case data(UnsafeRawBufferPointer)
    case partEnded
    /// The closing delimiter came. More input is epilogue.
    case finished
}

/// Splits a multipart/form-data body (RFC 7578, RFC 2046 §5.1) into parts, bit by bit, without copying data.
///
/// Pure: bytes in, events out. What it yields does not depend on how the bytes were cut, data pieces aside.
public struct MultipartParser {
    private enum State {
        case preamble, data, delimiterEnd, closingHyphen, padding, lineFeed, head
        case finishing, closingPadding, closingLineFeed, epilogue
    }

    private let limits: MultipartLimits
    private let delimiter: DelimiterBytes
    private var state = State.preamble
    /// Bytes of the delimiter that the input ended in the middle of. The start of the body stands for a line end.
    private var matched = 2
    /// Of the matched bytes, those that never were in the input.
    private var virtualBytes = 2
    private var isInPart = false
    private var discarded = 0
    private var padding = 0
    private var partCount = 0
    private var head: [UInt8] = []

    public init(_ boundary: MultipartBoundary, limits: MultipartLimits = MultipartLimits()) {
        self.limits = limits
        delimiter = DelimiterBytes(boundary.delimiter)
    }

    /// Advances `input` past what it understood.
    /// - Returns: the next event; nil when `input` is used up.
    public mutating func next(_ input: inout UnsafeRawBufferPointer) throws(MultipartError) -> MultipartEvent? {
        if state == .finishing {
            state = .closingPadding
            return .finished
        }
        while !input.isEmpty {
            switch state {
            case .data:
                if let piece = nextData(&input) { return .data(piece) }
            case .head:
                if let event = try readHead(&input) { return event }
            case .preamble:
                guard let piece = nextData(&input) else { continue }
                discarded += piece.count - virtualBytes
                virtualBytes = 0
                guard discarded <= limits.preambleBytes else { throw .preambleTooLong }
            case .epilogue:
                discarded += input.count
                guard discarded <= limits.epilogueBytes else { throw .epilogueTooLong }
                _ = input.take(input.count)
            default:
                if let event = try afterDelimiter(input.take(1)[0]) { return event }
            }
        }
        return nil
    }

    /// To be called at the end of the body.
    /// - Throws: `.missingFinalDelimiter`
    public func finish() throws(MultipartError) {
        guard state == .closingPadding || state == .epilogue else { throw .missingFinalDelimiter }
    }

    // MARK: Searching

    /// The next stretch of data; nil where the input ended or the delimiter came, which `state` tells.
    private mutating func nextData(_ input: inout UnsafeRawBufferPointer) -> UnsafeRawBufferPointer? {
        if matched == 0 {
            let (start, length) = delimiter.search(input)
            if start > 0 { return input.take(start) }
            matched = length
            _ = input.take(length)
        } else {
            let length = delimiter.continuation(of: input, after: matched)
            if length < input.count, matched + length < delimiter.count {
                // It was data after all. What of the input looked like the delimiter is searched again: it has no CR.
                defer { matched = 0 }
                return delimiter.prefix(matched)
            }
            matched += length
            _ = input.take(length)
        }
        if matched == delimiter.count {
            matched = 0
            state = .delimiterEnd
        }
        return nil
    }

    // MARK: Around the delimiter

    private mutating func afterDelimiter(_ byte: UInt8) throws(MultipartError) -> MultipartEvent? {
        switch state {
        case .delimiterEnd:
            padding = 0
            state = byte == 0x2D ? .closingHyphen : .padding
            if byte != 0x2D { try pad(byte, then: .lineFeed) }
        case .closingHyphen:
            guard byte == 0x2D else { throw .malformedDelimiter }
            state = .finishing
            discarded = 0
            if let event = endPart() { return event }
            state = .closingPadding
            return .finished
        case .padding:
            try pad(byte, then: .lineFeed)
        case .closingPadding:
            try pad(byte, then: .closingLineFeed)
        case .closingLineFeed:
            guard byte == 0x0A else { throw .malformedDelimiter }
            state = .epilogue
        default:
            guard byte == 0x0A else { throw .malformedDelimiter }
            state = .head
            head.removeAll(keepingCapacity: true)
            return endPart()
        }
        return nil
    }

    private mutating func pad(_ byte: UInt8, then next: State) throws(MultipartError) {
        if byte == 0x0D {
            state = next
            return
        }
        padding += 1
        guard ByteScan.isBlank(byte), padding <= limits.paddingBytes else { throw .malformedDelimiter }
    }

    private mutating func endPart() -> MultipartEvent? {
        guard isInPart else { return nil }
        isInPart = false
        return .partEnded
    }

    // MARK: Head of a part

    private mutating func readHead(_ input: inout UnsafeRawBufferPointer) throws(MultipartError) -> MultipartEvent? {
        if partCount == limits.parts { throw .tooManyParts(limit: limits.parts) }
        while !input.isEmpty {
            head.append(input.take(1)[0])
            let count = head.count
            if head[count - 1] == 0x0A, count == 2 || (count >= 4 && head[count - 3] == 0x0A), head[count - 2] == 0x0D {
                let parsed = try MultipartPartHead(head, limits: limits)
                partCount += 1
                isInPart = true
                state = .data
                matched = 0
                return .partBegan(parsed)
            }
            guard count < limits.partHeaderBytes else { throw .partHeaderTooLarge(limit: limits.partHeaderBytes) }
        }
        return nil
    }
}
