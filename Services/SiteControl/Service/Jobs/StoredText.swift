import Encoding

/// Text from outside, made fit for PostgreSQL: no U+0000, bounded.
enum StoredText {
    /// Bytes that the schema takes for a message and for the end of an output.
    static let tailMax = 10_240

    /// The last `max` bytes, whole characters alone.
    static func tail(_ text: String, max: Int = tailMax) -> String {
        let text = withoutNUL(text)
        guard text.utf8.count > max else { return text }
        var start = text.utf8.index(text.utf8.endIndex, offsetBy: -max)
        // A byte that continues a character cannot begin the text.
        while start < text.utf8.endIndex, text.utf8[start] & 0xC0 == 0x80 { start = text.utf8.index(after: start) }
        return String(text.unicodeScalars[start...])
    }

    static func withoutNUL(_ text: String) -> String {
        guard text.utf8.contains(0) else { return text }
        return String(String.UnicodeScalarView(text.unicodeScalars.map { $0 == "\0" ? "\u{FFFD}" : $0 }))
    }

    /// jsonb takes no `\u0000`, in keys no more than in values.
    static func withoutNUL(_ value: JSONValue) -> JSONValue {
        switch value {
        case .null, .bool, .number: value
        case .string(let text): .string(withoutNUL(text))
        case .array(let elements): .array(elements.map { withoutNUL($0) })
        case .object(let object): .object(withoutNUL(object))
        }
    }

    static func withoutNUL(_ object: JSONObject) -> JSONObject {
        var clean = JSONObject()
        for member in object.members { clean[withoutNUL(member.key)] = withoutNUL(member.value) }
        return clean
    }
}
