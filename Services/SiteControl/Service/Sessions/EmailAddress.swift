/// An e-mail address as users are known by it: trimmed, in lower case.
struct EmailAddress: Sendable, Hashable {
    static let lengthMax = 254
    static let expectation = "an e-mail address"

    let text: String

    /// A dot-atom before the `@` and a host name after it (RFC 5322 §3.4.1, without quoted forms and literals).
    init?(_ text: String) {
        let trimmed = text.drop { $0 == " " || $0 == "\t" }
        let end = trimmed.lastIndex { $0 != " " && $0 != "\t" }.map { trimmed.index(after: $0) } ?? trimmed.startIndex
        let address = trimmed[..<end].lowercased()
        guard address.utf8.count <= Self.lengthMax, let at = address.lastIndex(of: "@") else { return nil }
        let (local, domain) = (address[..<at], address[address.index(after: at)...])
        guard local.utf8.count <= 64, Self.isLocal(local), Self.isDomain(domain) else { return nil }
        self.text = address
    }

    private static func isLocal(_ text: Substring) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { atom in
            !atom.isEmpty && atom.utf8.allSatisfy { isAlphanumeric($0) || "!#$%&'*+-/=?^_`{|}~".utf8.contains($0) }
        }
    }

    private static func isDomain(_ text: Substring) -> Bool {
        text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { label in
            (1...63).contains(label.utf8.count) && label.first != "-" && label.last != "-"
                && label.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") }
        }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
