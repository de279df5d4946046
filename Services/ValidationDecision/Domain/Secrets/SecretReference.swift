/// Tells whether a value only says where a secret is kept.
enum SecretReference {
    private static let prefixes = [
        "vault://", "secret://", "secretref://", "awssm://", "gcpsm://", "azurekv://", "env://", "file://",
        "arn:aws:secretsmanager:",
    ]

    /// A known prefix (lower case, as written in the policy) or a placeholder that is the whole value. White space
    /// around it does not count.
    static func matches(_ value: String) -> Bool {
        let text = trimmed(value[...]).utf8
        return prefixes.contains { text.starts(with: $0.utf8) } || isPlaceholder(text)
    }

    /// `${NAME}` or `{{ … }}`. `${NAME:-hunter2}` is none: its default is a value.
    static func isPlaceholder(_ text: some BidirectionalCollection<UInt8>) -> Bool {
        if text.starts(with: "${".utf8), text.last == UInt8(ascii: "}") {
            return isName(text.dropFirst(2).dropLast())
        }
        guard text.count > 4, text.starts(with: "{{".utf8) else { return false }
        guard text.suffix(2).elementsEqual("}}".utf8) else { return false }
        let inside = text.dropFirst(2).dropLast(2)
        // One placeholder, not text between two of them.
        var previous: UInt8 = 0
        for byte in inside {
            if byte == previous, byte == UInt8(ascii: "{") || byte == UInt8(ascii: "}") { return false }
            previous = byte
        }
        return inside.contains { $0 > 0x20 }
    }

    private static func isName(_ text: some Collection<UInt8>) -> Bool {
        guard let first = text.first, !(UInt8(ascii: "0")...UInt8(ascii: "9")).contains(first) else { return false }
        return text.allSatisfy { ByteClass.isAlphanumeric($0) || $0 == UInt8(ascii: "_") || $0 == UInt8(ascii: ".") }
    }
}
