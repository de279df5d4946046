/// Hexadecimal text, RFC 4648 §8. Written in lower case, read in either.
public enum Hex {
    /// The digit of a value below 16.
    @inlinable @inline(__always)
    public static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? value &+ 48 : value &+ 87
    }

    /// The value of a digit, nil for any other byte.
    @inlinable @inline(__always)
    public static func value(of digit: UInt8) -> UInt8? {
        switch digit {
        case 48...57: digit &- 48
        case 97...102: digit &- 87
        case 65...70: digit &- 55
        default: nil
        }
    }

    public static func encode(_ bytes: UnsafeRawBufferPointer) -> String {
        String(unsafeUninitializedCapacity: bytes.count * 2) { target in
            var index = 0
            for byte in bytes {
                target[index] = digit(byte >> 4)
                target[index + 1] = digit(byte & 15)
                index += 2
            }
            return index
        }
    }

    public static func encode(_ bytes: [UInt8]) -> String {
        bytes.withUnsafeBytes { encode($0) }
    }

    /// The bytes, or nil for an odd length or a byte that is no digit. The empty text is no bytes.
    public static func decode(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard text.count.isMultiple(of: 2) else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(text.count / 2)
        for index in stride(from: 0, to: text.count, by: 2) {
            guard let high = value(of: text[index]), let low = value(of: text[index + 1]) else { return nil }
            bytes.append(high << 4 | low)
        }
        return bytes
    }

    public static func decode(_ text: String) -> [UInt8]? {
        var text = text
        return text.withUTF8 { decode(UnsafeRawBufferPointer($0)) }
    }
}

extension ByteBuffer {
    /// The bytes as lower-case hexadecimal text.
    public mutating func append(hex bytes: UnsafeRawBufferPointer) {
        appendUninitialized(bytes.count * 2) { target in
            for index in bytes.indices {
                target[2 &* index] = Hex.digit(bytes[index] >> 4)
                target[2 &* index &+ 1] = Hex.digit(bytes[index] & 15)
            }
            return target.count
        }
    }
}
