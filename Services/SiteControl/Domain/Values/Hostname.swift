/// A fully qualified host name: lower case, at least two labels, no IP address, no wildcard.
public struct Hostname: Hashable, Sendable {
    public static let lengthMax = 253
    public let text: String

    /// Trims blanks, lower-cases and drops one trailing dot. Everything else that is no host name is nil: a scheme, a port,
    /// a path, a wildcard, an address.
    public init?(_ raw: String) {
        var bytes = raw.utf8[...]
        while let first = bytes.first, Self.isBlank(first) { bytes.removeFirst() }
        while let last = bytes.last, Self.isBlank(last) { bytes.removeLast() }
        if bytes.last == UInt8(ascii: ".") { bytes.removeLast() }
        let lowered = bytes.map { (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains($0) ? $0 | 0x20 : $0 }
        guard (1...Self.lengthMax).contains(lowered.count) else { return nil }
        let labels = lowered.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
        // No top-level domain is a number: what ends in one is an IPv4 address.
        guard labels.count >= 2, labels.allSatisfy({ DNSLabel.isValid($0) }), let last = labels.last,
            !last.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) })
        else { return nil }
        text = String(decoding: lowered, as: UTF8.self)
    }

    /// It is `parent` itself or lies below it.
    public func isWithin(_ parent: Hostname) -> Bool {
        text == parent.text || text.hasSuffix("." + parent.text)
    }

    private static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || (0x09...0x0D).contains(byte) }
}
