/// Where an import's archive is fetched from.
public struct ArchiveURL: Hashable, Sendable {
    /// Unicode scalars.
    public static let lengthMax = 2048
    public static let schemes = ["https", "http", "s3"]
    public let text: String
    private let authority: Range<String.Index>

    /// - Parameter schemes: those that the installation allows.
    public init?(_ text: String, schemes: [String]) {
        guard text.unicodeScalars.count <= Self.lengthMax, text.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F }),
            text.utf8.allSatisfy({ !Self.neverInURLs.contains($0) }), let colon = text.firstIndex(of: ":"),
            text[colon...].hasPrefix("://"), schemes.contains(text[..<colon].lowercased())
        else { return nil }
        let start = text.index(colon, offsetBy: 3)
        let end = text[start...].firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? text.endIndex
        let host = text[start..<end].split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        guard !host.isEmpty, !host.hasPrefix(":"), Self.hasValidPort(host), Self.hasValidEscapes(text) else { return nil }
        self.text = text
        authority = start..<end
    }

    /// Without user name, password and query, which may sign it: what may be stored and shown.
    public var publicText: String {
        let host = text[authority].split(separator: "@", omittingEmptySubsequences: false).last ?? ""
        let path = text[authority.upperBound...].prefix { $0 != "?" && $0 != "#" }
        return text[..<authority.lowerBound] + String(host) + path
    }

    /// RFC 3986 leaves these no place in a URI.
    private static let neverInURLs = Set("\"<>\\^`{|}".utf8)

    private static func hasValidPort(_ host: Substring) -> Bool {
        // A bracketed IPv6 address has colons of its own.
        let rest = host.lastIndex(of: "]").map { host[host.index(after: $0)...] } ?? host
        guard let colon = rest.lastIndex(of: ":") else { return true }
        let digits = rest[rest.index(after: colon)...]
        return digits.utf8.allSatisfy { (48...57).contains($0) } && Int(digits).map { (1...65_535).contains($0) } == true
    }

    private static func hasValidEscapes(_ text: String) -> Bool {
        var rest = text.utf8[...]
        while let percent = rest.firstIndex(of: UInt8(ascii: "%")) {
            let digits = rest[percent...].dropFirst().prefix(2)
            guard digits.count == 2, digits.allSatisfy({ Unicode.Scalar($0).properties.isASCIIHexDigit }) else { return false }
            rest = rest[percent...].dropFirst(3)
        }
        return true
    }
}
