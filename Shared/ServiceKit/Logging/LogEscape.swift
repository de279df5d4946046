/// Makes text safe for one line of a log or a terminal: a value can neither end its line nor begin a new one.
///
/// Control characters (C0, DEL, C1) and the line separators U+2028 and U+2029 are written as escapes.
enum LogEscape {
    /// `text` with unsafe characters as `\n`, `\u{1b}` and the like.
    static func visible(_ text: String) -> String {
        guard !isPlain(text) else { return text }
        var bytes: [UInt8] = []
        append(text, to: &bytes)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the inside of a JSON string.
    static func append(_ text: String, to bytes: inout [UInt8]) {
        var text = text
        text.withUTF8 { utf8 in
            if utf8.allSatisfy(isPlainByte) {
                bytes.append(contentsOf: utf8)
            } else {
                appendEscaped(utf8, to: &bytes)
            }
        }
    }

    /// Whether the text needs neither escapes nor quotes in the text format.
    static func isBare(_ text: String) -> Bool {
        !text.isEmpty
            && text.utf8.allSatisfy { isPlainByte($0) && $0 != UInt8(ascii: " ") && $0 != UInt8(ascii: "=") }
    }

    private static func isPlain(_ text: String) -> Bool { text.utf8.allSatisfy(isPlainByte) }

    /// Printable ASCII without the quotation mark and the backslash.
    @inline(__always)
    private static func isPlainByte(_ byte: UInt8) -> Bool {
        byte >= 0x20 && byte < 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
    }

    private static func appendEscaped(_ utf8: UnsafeBufferPointer<UInt8>, to bytes: inout [UInt8]) {
        for scalar in String(decoding: utf8, as: UTF8.self).unicodeScalars {
            switch scalar.value {
            case 0x22: bytes += [0x5C, 0x22]
            case 0x5C: bytes += [0x5C, 0x5C]
            case 0x0A: bytes += [0x5C, UInt8(ascii: "n")]
            case 0x0D: bytes += [0x5C, UInt8(ascii: "r")]
            case 0x09: bytes += [0x5C, UInt8(ascii: "t")]
            case 0..<0x20, 0x7F..<0xA0, 0x2028, 0x2029, 0x200E, 0x200F, 0x202A...0x202E, 0x2066...0x2069, 0xFEFF:
                appendUnicode(scalar.value, to: &bytes)
            default: bytes.append(contentsOf: UTF8.encode(scalar) ?? UTF8.encodedReplacementCharacter)
            }
        }
    }

    private static func appendUnicode(_ value: UInt32, to bytes: inout [UInt8]) {
        let digits = Array("0123456789abcdef".utf8)
        bytes += [0x5C, UInt8(ascii: "u")]
        for shift in [12, 8, 4, 0] as [UInt32] { bytes.append(digits[Int((value >> shift) & 15)]) }
    }
}
