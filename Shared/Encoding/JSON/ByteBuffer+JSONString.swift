extension ByteBuffer {
    /// A JSON string with its quotes (RFC 8259 §7). Escaped are quote, backslash and control characters, nothing else.
    @inlinable
    public mutating func appendJSONString(_ text: String) {
        var text = text
        text.withUTF8 { appendJSONString(UnsafeRawBufferPointer($0)) }
    }

    /// The same from bytes that are known to be UTF-8.
    public mutating func appendJSONString(_ bytes: UnsafeRawBufferPointer) {
        reserve(bytes.count &+ 2)
        append(UInt8(ascii: "\""))
        var index = 0
        while index < bytes.count {
            // Piece by piece, so that the room for the worst case stays small.
            let end = min(bytes.count, index &+ 1024)
            reserve(6 &* (end &- index) &+ 1)
            appendEscaped(bytes, from: index, to: end)
            index = end
        }
        append(UInt8(ascii: "\""))
    }

    /// Needs room for six bytes per byte.
    @inline(__always)
    private mutating func appendEscaped(_ bytes: UnsafeRawBufferPointer, from start: Int, to end: Int) {
        guard let source = bytes.baseAddress else { return }
        var index = start
        var out = used
        let target = base
        while index < end {
            if end &- index >= 8 {
                let word = source.loadUnaligned(fromByteOffset: index, as: UInt64.self)
                if JSONBytes.needsNoEscape(word) {
                    UnsafeMutableRawPointer(target + out).storeBytes(of: word, as: UInt64.self)
                    index &+= 8
                    out &+= 8
                    continue
                }
            }
            let byte = source.load(fromByteOffset: index, as: UInt8.self)
            index &+= 1
            if byte >= 0x20, byte != UInt8(ascii: "\""), byte != UInt8(ascii: "\\") {
                target[out] = byte
                out &+= 1
                continue
            }
            target[out] = UInt8(ascii: "\\")
            let short: UInt8 =
                switch byte {
                case UInt8(ascii: "\""), UInt8(ascii: "\\"): byte
                case 8: UInt8(ascii: "b")
                case 9: UInt8(ascii: "t")
                case 10: UInt8(ascii: "n")
                case 12: UInt8(ascii: "f")
                case 13: UInt8(ascii: "r")
                default: 0
                }
            if short != 0 {
                target[out &+ 1] = short
                out &+= 2
            } else {
                target[out &+ 1] = UInt8(ascii: "u")
                target[out &+ 2] = UInt8(ascii: "0")
                target[out &+ 3] = UInt8(ascii: "0")
                target[out &+ 4] = Hex.digit(byte >> 4)
                target[out &+ 5] = Hex.digit(byte & 15)
                out &+= 6
            }
        }
        used = out
    }
}

/// Tests on eight bytes of a string at once.
enum JSONBytes {
    private static let ones: UInt64 = 0x0101_0101_0101_0101
    private static let highs: UInt64 = 0x8080_8080_8080_8080

    /// Whether all are ASCII and none is a control character, a quote or a backslash.
    @inline(__always)
    static func isPlain(_ word: UInt64) -> Bool {
        (word | special(word)) & highs == 0
    }

    /// Whether none is a control character, a quote or a backslash. May say no where it could say yes.
    @inline(__always)
    static func needsNoEscape(_ word: UInt64) -> Bool {
        // A byte past ASCII has its high bit set either way and is no special one.
        special(word) & ~word & highs == 0
    }

    /// Sets the high bit of bytes that need an escape; a borrow may set a few more, above a true one only.
    @inline(__always)
    private static func special(_ word: UInt64) -> UInt64 {
        let quote = word ^ (ones &* 0x22)
        let backslash = word ^ (ones &* 0x5C)
        return (word &- ones &* 0x20) | (quote &- ones) | (backslash &- ones)
    }
}
