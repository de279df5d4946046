/// The parts of a URL that configuration has to tell apart. Not a general URL parser.
struct URLText {
    let scheme: String
    /// What stands before `@` in the authority, without the `@`.
    let userinfo: Substring?
    /// Host and port.
    let host: Substring
    /// Path, query and fragment, with their leading character.
    let rest: Substring

    /// nil unless `text` is `scheme://[userinfo@]host…` with a host, without blanks and control characters.
    init?(_ text: String) {
        guard let scheme = Self.schemePart(of: text) else { return nil }
        let afterScheme = text.dropFirst(scheme.count + 3)
        let end = afterScheme.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? afterScheme.endIndex
        let authority = afterScheme[..<end]
        if let at = authority.lastIndex(of: "@") {
            userinfo = authority[..<at]
            host = authority[authority.index(after: at)...]
        } else {
            userinfo = nil
            host = authority
        }
        guard !host.isEmpty else { return nil }
        self.scheme = scheme.lowercased()
        rest = afterScheme[end...]
    }

    /// The scheme of `scheme://…`, nil where there is none or where the text holds blanks or control characters.
    static func schemePart(of text: String) -> Substring? {
        guard text.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7F }) else { return nil }
        guard let colon = text.firstIndex(of: ":"), text[colon...].hasPrefix("://") else { return nil }
        let scheme = text[..<colon]
        guard let first = scheme.unicodeScalars.first, ("a"..."z").contains(first) || ("A"..."Z").contains(first),
            scheme.utf8.allSatisfy({ byte in
                switch byte {
                case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                    UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "+"), UInt8(ascii: "-"), UInt8(ascii: "."):
                    true
                default: false
                }
            })
        else { return nil }
        return scheme
    }
}
