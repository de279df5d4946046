/// Base64, RFC 4648 §4 and §5, read strictly: no white space, no foreign bytes, padding exactly as the alphabet's custom
/// wants it, unused bits zero. So a byte string has one text only.
public enum Base64 {
    public enum Alphabet: Sendable {
        /// `+` and `/`, padded with `=` (§4).
        case standard
        /// `-` and `_`, without padding (§5, as RFC 7515 uses it).
        case url
    }

    public static func encode(_ bytes: UnsafeRawBufferPointer, _ alphabet: Alphabet = .standard) -> String {
        let digits = alphabet == .url ? urlDigits : standardDigits
        let padded = alphabet == .standard
        return String(unsafeUninitializedCapacity: (bytes.count + 2) / 3 * 4) { target in
            var out = 0
            var index = 0
            func put(_ sextet: UInt32) {
                target[out] = digits.utf8Start[Int(sextet & 63)]
                out &+= 1
            }
            while bytes.count - index >= 3 {
                let group = UInt32(bytes[index]) << 16 | UInt32(bytes[index + 1]) << 8 | UInt32(bytes[index + 2])
                put(group >> 18)
                put(group >> 12)
                put(group >> 6)
                put(group)
                index += 3
            }
            let rest = bytes.count - index
            if rest > 0 {
                let second = rest == 2 ? UInt32(bytes[index + 1]) << 8 : 0
                let group = UInt32(bytes[index]) << 16 | second
                put(group >> 18)
                put(group >> 12)
                if rest == 2 { put(group >> 6) }
                if padded {
                    for _ in rest..<3 {
                        target[out] = UInt8(ascii: "=")
                        out &+= 1
                    }
                }
            }
            return out
        }
    }

    public static func encode(_ bytes: [UInt8], _ alphabet: Alphabet = .standard) -> String {
        bytes.withUnsafeBytes { encode($0, alphabet) }
    }

    /// The bytes, or nil where the text is not exactly what `encode` would have written.
    public static func decode(_ text: UnsafeRawBufferPointer, _ alphabet: Alphabet = .standard) -> [UInt8]? {
        var length = text.count
        if alphabet == .standard {
            guard length.isMultiple(of: 4) else { return nil }
            if length > 0, text[length - 1] == UInt8(ascii: "=") {
                length -= text[length - 2] == UInt8(ascii: "=") ? 2 : 1
            }
        }
        guard length % 4 != 1 else { return nil }
        var bytes: [UInt8] = []
        bytes.reserveCapacity(length / 4 * 3 + 2)
        var bits: UInt32 = 0
        var held = 0
        for index in 0..<length {
            guard let sextet = value(of: text[index], alphabet) else { return nil }
            bits = bits << 6 | UInt32(sextet)
            held += 6
            if held >= 8 {
                held -= 8
                bytes.append(UInt8(truncatingIfNeeded: bits >> UInt32(held)))
                bits &= (1 << UInt32(held)) - 1
            }
        }
        return bits == 0 ? bytes : nil
    }

    public static func decode(_ text: String, _ alphabet: Alphabet = .standard) -> [UInt8]? {
        var text = text
        return text.withUTF8 { decode(UnsafeRawBufferPointer($0), alphabet) }
    }

    private static let standardDigits: StaticString =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/"
    private static let urlDigits: StaticString =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"

    private static func value(of byte: UInt8, _ alphabet: Alphabet) -> UInt8? {
        switch byte {
        case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte &- 65
        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte &- 71
        case UInt8(ascii: "0")...UInt8(ascii: "9"): byte &+ 4
        case UInt8(ascii: "+"): alphabet == .standard ? 62 : nil
        case UInt8(ascii: "/"): alphabet == .standard ? 63 : nil
        case UInt8(ascii: "-"): alphabet == .url ? 62 : nil
        case UInt8(ascii: "_"): alphabet == .url ? 63 : nil
        default: nil
        }
    }
}
