/// Tells whether a text binds every address of the machine.
///
/// Wildcards are `*`, an empty host, the zero address of IPv4 in every form `inet_aton` reads (one to four parts,
/// decimal, octal or hexadecimal), the zero address of IPv6 in every form of RFC 4291 §2.2, and the IPv4-mapped
/// zero. Around them may stand white space, a scheme, a zone, brackets, one or two ports or port ranges, a prefix
/// length and a `/tcp` or `/udp` suffix; a text may list several addresses. Where a text can be read in two ways and
/// one of them is a wildcard, it is one; only `::1` and its longer spellings are always the loopback address.
enum WildcardAddress {
    /// An entry of `ports`. A digit string alone is a port.
    static func isBound(byEntry text: String) -> Bool {
        isAnyBound(text) { isBound($0) && ($0.isEmpty || !$0.allSatisfy(isDigit)) }
    }

    /// A value under an address key. A digit string alone is a port, except that zero is no port: it is the address.
    static func isBound(byAddress text: String) -> Bool { isAnyBound(text, isBound) }

    /// Judges the text as a whole and, where blanks, commas or semicolons divide it, each piece that names a host.
    private static func isAnyBound(_ text: String, _ isWildcard: (ArraySlice<UInt8>) -> Bool) -> Bool {
        let bytes = Array(trimmed(text[...]).utf8)
        if isWildcard(core(of: bytes[...])) { return true }
        let pieces = bytes.split { isSpace($0) || $0 == UInt8(ascii: ",") || $0 == UInt8(ascii: ";") }
        guard pieces.count > 1 else { return false }
        // A number beside other pieces is a port.
        return pieces.contains { piece in
            let place = core(of: piece)
            return !place.allSatisfy(isDigit) && isWildcard(place)
        }
    }

    /// Without white space, scheme, user, path and protocol suffix. A path alone (a Unix socket) gives its first name.
    private static func core(of text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var bytes = text
        if let scheme = firstIndex(of: "://", in: bytes) { bytes = bytes[(scheme + 3)...] }
        bytes = bytes.drop { $0 == UInt8(ascii: "/") }
        if let slash = bytes.firstIndex(of: UInt8(ascii: "/")) { bytes = bytes[..<slash] }
        if let user = bytes.lastIndex(of: UInt8(ascii: "@")) { bytes = bytes[(user + 1)...] }
        return stripped(bytes)
    }

    private static func isBound(_ place: ArraySlice<UInt8>) -> Bool {
        if place.first == UInt8(ascii: "[") {
            let inside = place.dropFirst()
            return isWildcardHost(inside[..<(inside.firstIndex(of: UInt8(ascii: "]")) ?? inside.endIndex)])
        }
        let colons = place.indices.filter { place[$0] == colon }
        guard let first = colons.first else { return isWildcardHost(place) }
        let host = place[..<first]
        if colons.count == 1 { return isWildcardHost(host) }

        // Two colons or more: an IPv6 address, with nothing, one or two ports after it, or HOST:PORT:PORT.
        let whole = IPv6Text.kind(of: withoutZone(place))
        if whole == .zero { return true }
        if whole == .loopback { return false }
        let ports = place[(first + 1)...].split(separator: colon, omittingEmptySubsequences: false)
        if colons.count == 2, isWildcardHost(host), ports.allSatisfy(isPort) { return true }

        // What ends an address that is none as a whole may be any port, a placeholder too.
        var withoutPorts: [IPv6Text.Kind] = []
        var rest = place
        for port in ports.suffix(2).reversed() {
            guard whole == nil || isPort(port) else { break }
            rest = rest.dropLast(port.count + 1)
            if let kind = IPv6Text.kind(of: withoutZone(rest)) { withoutPorts.append(kind) }
        }
        if withoutPorts.contains(.zero) { return true }
        return whole == nil && withoutPorts.isEmpty && isWildcardHost(host)
    }

    private static func isWildcardHost(_ text: ArraySlice<UInt8>) -> Bool {
        let host = stripped(text)
        return host.isEmpty || host.elementsEqual("*".utf8) || isZeroAddress(host)
    }

    private static func isZeroAddress(_ text: ArraySlice<UInt8>) -> Bool {
        let host = withoutZone(stripped(text))
        return isIPv4Zero(host) || IPv6Text.kind(of: host) == .zero
    }

    /// One to four parts, each a zero of any base; a dot may end it, as in an absolute domain name.
    private static func isIPv4Zero(_ text: ArraySlice<UInt8>) -> Bool {
        let dot = UInt8(ascii: ".")
        let host = text.last == dot ? text.dropLast() : text
        let parts = host.split(separator: dot, omittingEmptySubsequences: false)
        return parts.count <= 4 && parts.allSatisfy(isZeroNumber)
    }

    /// `0`, `00`, `0x0`, `0X00`, `0x`.
    private static func isZeroNumber(_ part: ArraySlice<UInt8>) -> Bool {
        guard part.first == zero else { return false }
        var digits = part.dropFirst()
        if let x = digits.first, x | 0x20 == UInt8(ascii: "x") { digits = digits.dropFirst() }
        return digits.allSatisfy { $0 == zero }
    }

    /// Empty, a number, or a range of numbers.
    private static func isPort(_ text: ArraySlice<UInt8>) -> Bool {
        stripped(text).allSatisfy { isDigit($0) || $0 == UInt8(ascii: "-") }
    }

    private static func withoutZone(_ host: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        host.prefix { $0 != UInt8(ascii: "%") }
    }

    private static func stripped(_ text: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
        var text = text
        while let byte = text.first, isSpace(byte) { text = text.dropFirst() }
        while let byte = text.last, isSpace(byte) { text = text.dropLast() }
        return text
    }

    private static func firstIndex(of mark: StaticString, in bytes: ArraySlice<UInt8>) -> Int? {
        let wanted = mark.withUTF8Buffer { Array($0) }
        return bytes.indices.first { bytes[$0...].starts(with: wanted) }
    }

    private static let colon = UInt8(ascii: ":")
    private static let zero = UInt8(ascii: "0")

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }
    private static func isSpace(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
