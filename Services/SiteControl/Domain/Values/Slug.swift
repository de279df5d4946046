/// A name within URLs and paths: 1 to 63 lower-case letters, digits and inner hyphens.
public struct Slug: Hashable, Sendable {
    public static let lengthMax = 63
    public let text: String

    public init?(_ text: String) {
        guard DNSLabel.isValid(text.utf8, lengthMax: Self.lengthMax) else { return nil }
        self.text = text
    }
}

/// Labels of letters, digits and inner hyphens.
enum DNSLabel {
    static let lengthMax = 63

    /// Upper case is refused.
    static func isValid(_ bytes: some Collection<UInt8>, lengthMax: Int = lengthMax) -> Bool {
        guard (1...lengthMax).contains(bytes.count) else { return false }
        guard bytes.first != UInt8(ascii: "-") else { return false }
        var last: UInt8 = 0
        for byte in bytes {
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): last = byte
            default: return false
            }
        }
        return last != UInt8(ascii: "-")
    }
}
