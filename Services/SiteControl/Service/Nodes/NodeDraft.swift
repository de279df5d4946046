import SiteControlDomain

/// What an operator says of a node. Host and user become words of an inventory and of a command line: only what needs no
/// quotes in either is taken.
struct NodeDraft: Sendable {
    let name: String
    let host: String
    let user: String
    let port: Int
    let publicIP: String?
    let isLocal: Bool

    static func isName(_ text: String) -> Bool {
        (1...63).contains(text.utf8.count) && text.utf8.first.map(isAlphanumeric) == true
            && text.utf8.allSatisfy { isAlphanumeric($0) || ".-_".utf8.contains($0) }
    }

    /// A host name of one or more labels, or an address.
    static func isHost(_ text: String) -> Bool {
        guard (1...Hostname.lengthMax).contains(text.utf8.count), let first = text.utf8.first else { return false }
        if text.utf8.contains(UInt8(ascii: ":")) {
            return text.utf8.allSatisfy { isHexadecimal($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") }
        }
        return isAlphanumeric(first) && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }
    }

    /// As useradd(8) takes it.
    static func isUser(_ text: String) -> Bool {
        guard (1...32).contains(text.utf8.count), let first = text.utf8.first else { return false }
        let isFirst = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(first) || first == UInt8(ascii: "_")
        return isFirst && text.utf8.allSatisfy { isAlphanumeric($0) || $0 == UInt8(ascii: "-") || $0 == UInt8(ascii: "_") }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }

    private static func isHexadecimal(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "f")).contains(byte | 0x20) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
