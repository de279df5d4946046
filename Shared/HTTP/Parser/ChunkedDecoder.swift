/// The chunked transfer coding (RFC 9112 §7.1), read bit by bit. Extensions and trailers are checked, bounded and
/// thrown away. Line ends are CRLF and nothing else; no white space stands around a chunk size.
struct ChunkedDecoder {
    private enum State {
        case sizeStart, size, extensions, sizeLineFeed
        case data, dataReturn, dataLineFeed
        case trailerStart, trailerName, trailerValue, trailerLineFeed, finalLineFeed
        case finished
    }

    private let lineBytesMax: Int
    private let extensionBytesMax: Int
    private let trailerBytesMax: Int
    private let trailerCountMax: Int
    private var state = State.sizeStart
    /// Bytes of the current chunk that did not come yet.
    private var remaining = 0
    private var sizeDigits = 0
    private var lineBytes = 0
    private var extensionBytes = 0
    private var trailerBytes = 0
    private var trailerCount = 0

    init(limits: HTTPLimits) {
        lineBytesMax = limits.chunkLineBytes
        extensionBytesMax = limits.chunkExtensionBytes
        trailerBytesMax = limits.trailerBytes
        trailerCountMax = limits.trailerCount
    }

    var isFinished: Bool { state == .finished }

    /// As `BodyDecoder.decode`.
    mutating func decode(_ input: inout UnsafeRawBufferPointer) throws(BodyError) -> UnsafeRawBufferPointer? {
        var index = 0
        while index < input.count {
            if state == .data {
                input = UnsafeRawBufferPointer(rebasing: input[index...])
                let count = min(remaining, input.count)
                remaining -= count
                if remaining == 0 { state = .dataReturn }
                return input.take(count)
            }
            if state == .finished { break }
            try step(input[index])
            index &+= 1
        }
        input = UnsafeRawBufferPointer(rebasing: input[index...])
        return nil
    }

    /// Understands one byte outside chunk data.
    private mutating func step(_ byte: UInt8) throws(BodyError) {
        switch state {
        case .sizeStart:
            lineBytes = 0
            sizeDigits = 0
            remaining = 0
            guard ByteClass.hexValue(byte) != nil else { throw .malformedChunk("A chunk does not begin with its size.") }
            state = .size
            try stepSize(byte)
        case .size: try stepSize(byte)
        case .extensions: try stepExtensions(byte)
        case .sizeLineFeed:
            try expectLineFeed(byte)
            state = remaining > 0 ? .data : .trailerStart
        case .dataReturn:
            guard byte == 0x0D else { throw .malformedChunk("A chunk is longer than its size.") }
            state = .dataLineFeed
        case .dataLineFeed:
            try expectLineFeed(byte)
            state = .sizeStart
        case .trailerStart, .trailerName, .trailerValue, .trailerLineFeed, .finalLineFeed:
            try stepTrailer(byte)
        case .data, .finished:
            break
        }
    }

    private mutating func stepSize(_ byte: UInt8) throws(BodyError) {
        if let digit = ByteClass.hexValue(byte) {
            sizeDigits += 1
            // Fifteen digits stay below 2^60; zeros in front count too, so that they are bounded.
            guard sizeDigits <= 15 else { throw .malformedChunk("A chunk size has more than 15 digits.") }
            remaining = remaining << 4 | Int(digit)
        } else if byte == 0x3B {
            state = .extensions
        } else if byte == 0x0D {
            state = .sizeLineFeed
        } else {
            throw .malformedChunk("A chunk size is not hexadecimal.")
        }
    }

    private mutating func stepExtensions(_ byte: UInt8) throws(BodyError) {
        if byte == 0x0D {
            state = .sizeLineFeed
            return
        }
        try refuseControl(byte)
        lineBytes += 1
        extensionBytes += 1
        guard lineBytes <= lineBytesMax, extensionBytes <= extensionBytesMax else {
            throw .malformedChunk("The chunk extensions are too long.")
        }
    }

    private mutating func stepTrailer(_ byte: UInt8) throws(BodyError) {
        trailerBytes += 1
        guard trailerBytes <= trailerBytesMax else { throw .malformedChunk("The trailers are too long.") }
        switch state {
        case .trailerStart where byte == 0x0D:
            state = .finalLineFeed
        case .trailerStart:
            guard ByteClass.isToken(byte) else { throw .malformedChunk("A trailer has no name.") }
            trailerCount += 1
            guard trailerCount <= trailerCountMax else { throw .malformedChunk("There are too many trailers.") }
            state = .trailerName
        case .trailerName where byte == 0x3A:
            state = .trailerValue
        case .trailerName:
            guard ByteClass.isToken(byte) else { throw .malformedChunk("A trailer's name is malformed.") }
        case .trailerValue where byte == 0x0D:
            state = .trailerLineFeed
        case .trailerValue:
            try refuseControl(byte)
        case .trailerLineFeed:
            try expectLineFeed(byte)
            state = .trailerStart
        default:
            try expectLineFeed(byte)
            state = .finished
        }
    }

    private func expectLineFeed(_ byte: UInt8) throws(BodyError) {
        guard byte == 0x0A else { throw .malformedChunk("A carriage return is not followed by a line feed.") }
    }

    private func refuseControl(_ byte: UInt8) throws(BodyError) {
        guard (byte >= 0x20 && byte != 0x7F) || byte == 0x09 else {
            throw .malformedChunk("The chunked coding holds a control character.")
        }
    }
}
