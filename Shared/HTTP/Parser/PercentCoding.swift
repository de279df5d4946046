/// Percent-encoding (RFC 3986 §2.1). Decoding happens once; what it yields is never decoded again.
public enum PercentCoding {
    /// The decoded text.
    public static func decode(_ text: String) throws(PercentCodingError) -> String {
        try text.utf8.span.bytes.withUnsafeBytes { (bytes: UnsafeRawBufferPointer) throws(PercentCodingError) in
            try decode(bytes)
        }
    }

    /// The decoded text of `bytes`.
    /// - Parameter plusIsSpace: as in application/x-www-form-urlencoded.
    static func decode(_ bytes: UnsafeRawBufferPointer, plusIsSpace: Bool = false) throws(PercentCodingError) -> String {
        if !bytes.contains(where: { $0 == 0x25 || (plusIsSpace && $0 == 0x2B) }) {
            guard let text = String(validating: bytes, as: UTF8.self) else { throw .notUTF8 }
            return text
        }
        var decoded: [UInt8] = []
        decoded.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            let byte = bytes[index]
            index += 1
            switch byte {
            case 0x25:
                guard index + 1 < bytes.count, let high = ByteClass.hexValue(bytes[index]),
                    let low = ByteClass.hexValue(bytes[index + 1])
                else { throw .malformed }
                index += 2
                let value = high << 4 | low
                if value == 0 { throw .nul }
                decoded.append(value)
            case 0x2B where plusIsSpace:
                decoded.append(0x20)
            default:
                decoded.append(byte)
            }
        }
        guard let text = String(validating: decoded, as: UTF8.self) else { throw .notUTF8 }
        return text
    }

    /// `text` with every byte but the unreserved ones of RFC 3986 §2.3 encoded: fit for a path segment or a query.
    public static func encode(_ text: String) -> String {
        let digits = Array("0123456789ABCDEF".utf8)
        var encoded: [UInt8] = []
        encoded.reserveCapacity(text.utf8.count)
        for byte in text.utf8 {
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E:
                encoded.append(byte)
            default:
                encoded.append(0x25)
                encoded.append(digits[Int(byte >> 4)])
                encoded.append(digits[Int(byte & 15)])
            }
        }
        return String(decoding: encoded, as: UTF8.self)
    }
}

/// Why percent-encoded text was refused.
public enum PercentCodingError: Error, Sendable, Equatable {
    /// A percent sign without two hexadecimal digits after it.
    case malformed
    /// `%00`
    case nul
    /// The decoded bytes are not UTF-8.
    case notUTF8
}
