/// An absolute http or https URL whose parts are exactly what goes on the wire. The path is sent as it is: no dot segment is resolved.
public struct OutboundURL: Sendable, Hashable, CustomStringConvertible {
    public let isSecure: Bool
    /// Lower case; an IPv6 address without its brackets.
    public let host: String
    public let port: UInt16
    /// Path and query, beginning with `/`; percent-encoded where needed.
    public let target: String

    public struct ParseError: Error, Hashable, CustomStringConvertible {
        public let description: String
    }

    /// Reads `http[s]://host[:port][/path][?query]`. User names and fragments are refused.
    public init(parsing text: String) throws(ParseError) {
        var rest: Substring
        if text.hasPrefix("https://") {
            (isSecure, rest) = (true, text.dropFirst(8))
        } else if text.hasPrefix("http://") {
            (isSecure, rest) = (false, text.dropFirst(7))
        } else {
            throw ParseError(description: "the URL does not begin with http:// or https://")
        }
        let authorityEnd = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        let authority = rest[..<authorityEnd]
        rest = rest[authorityEnd...]
        (host, port) = try OutboundURL.parseAuthority(authority, defaultPort: isSecure ? 443 : 80)
        let target = rest.hasPrefix("/") ? String(rest) : "/" + rest
        guard OutboundURL.isSendable(target) else {
            throw ParseError(description: "the URL holds a fragment, a space, a control or a non-ASCII character")
        }
        self.target = target
    }

    private init(isSecure: Bool, host: String, port: UInt16, target: String) {
        self.isSecure = isSecure
        self.host = host
        self.port = port
        self.target = target
    }

    /// The same origin with another path and query, which the caller has percent-encoded.
    public func withTarget(_ target: String) throws(ParseError) -> OutboundURL {
        guard target.hasPrefix("/"), OutboundURL.isSendable(target) else {
            throw ParseError(description: "a target begins with / and holds visible ASCII without #")
        }
        return OutboundURL(isSecure: isSecure, host: host, port: port, target: target)
    }

    /// Host and, unless it is the scheme's own, port: the value of `Host`.
    public var authority: String {
        let name = host.utf8.contains(UInt8(ascii: ":")) ? "[\(host)]" : host
        return port == (isSecure ? 443 : 80) ? name : "\(name):\(port)"
    }

    /// Scheme and authority.
    public var origin: String { "\(isSecure ? "https" : "http")://\(authority)" }

    /// Whether the host is this machine by its very text: `localhost`, `127.0.0.0/8` or `::1`.
    public var isLoopback: Bool {
        if host == "localhost" || host == "::1" { return true }
        let parts = host.split(separator: ".", omittingEmptySubsequences: false)
        return parts.count == 4 && parts[0] == "127"
            && parts.allSatisfy { UInt8($0) != nil && $0.utf8.allSatisfy { (48...57).contains($0) } }
    }

    /// Scheme and authority only, since queries may carry signatures.
    public var description: String { origin }

    var text: String { origin + target }

    private static func parseAuthority(
        _ authority: Substring, defaultPort: UInt16
    ) throws(ParseError) -> (String, UInt16) {
        guard !authority.utf8.contains(UInt8(ascii: "@")) else {
            throw ParseError(description: "the URL holds a user name")
        }
        var host = authority
        var portText: Substring?
        if authority.hasPrefix("[") {
            guard let close = authority.lastIndex(of: "]") else { throw ParseError(description: "[ without ]") }
            host = authority[authority.index(after: authority.startIndex)..<close]
            let after = authority[authority.index(after: close)...]
            guard after.isEmpty || after.hasPrefix(":") else { throw ParseError(description: "text after ]") }
            portText = after.isEmpty ? nil : after.dropFirst()
            guard !host.isEmpty, host.utf8.contains(UInt8(ascii: ":")),
                host.utf8.allSatisfy({ isHexDigit($0) || $0 == UInt8(ascii: ":") || $0 == UInt8(ascii: ".") })
            else { throw ParseError(description: "an IPv6 address is malformed") }
        } else {
            if let colon = authority.firstIndex(of: ":") {
                host = authority[..<colon]
                portText = authority[authority.index(after: colon)...]
            }
            guard !host.isEmpty, host.utf8.count <= 253, host.utf8.allSatisfy(isNameByte) else {
                throw ParseError(description: "the host name is empty, too long or malformed")
            }
        }
        guard let portText else { return (host.lowercased(), defaultPort) }
        guard portText.utf8.allSatisfy({ (48...57).contains($0) }), let port = UInt16(portText), port > 0 else {
            throw ParseError(description: "the port is not a number from 1 to 65535")
        }
        return (host.lowercased(), port)
    }

    private static func isSendable(_ target: String) -> Bool {
        target.utf8.count <= 8192 && target.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7f && $0 != UInt8(ascii: "#") }
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...70).contains(byte) || (97...102).contains(byte)
    }

    private static func isNameByte(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (65...90).contains(byte) || (97...122).contains(byte)
            || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") || byte == UInt8(ascii: "_")
    }
}
