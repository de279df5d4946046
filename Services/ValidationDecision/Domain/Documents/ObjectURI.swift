/// `s3://bucket/key`, checked by its form only. It names a bucket and a key, never a host.
public struct ObjectURI: Sendable, Hashable, CustomStringConvertible {
    /// 1 to 63 of `a-z 0-9 . -`, beginning and ending with a letter or digit, without `..`.
    public let bucket: String
    /// 1 to 1024 bytes, taken as written (nothing is percent-decoded), without control characters and without a
    /// `.` or `..` segment, which a URL library or a directory would resolve to another object.
    public let key: String

    public init?(_ text: String) {
        let scheme = "s3://"
        // Bytes, not characters: a combining mark after a slash must not hide it.
        guard text.utf8.starts(with: scheme.utf8) else { return nil }
        let rest = text.utf8.dropFirst(scheme.utf8.count)
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else { return nil }
        let bucket = rest[..<slash]
        let key = rest[rest.index(after: slash)...]
        guard Self.isBucket(bucket), Self.isKey(key) else { return nil }
        self.bucket = String(Substring(bucket))
        self.key = String(Substring(key))
    }

    public var description: String { "s3://\(bucket)/\(key)" }

    private static func isBucket(_ name: Substring.UTF8View) -> Bool {
        guard (1...63).contains(name.count), let first = name.first, let last = name.last else { return false }
        guard isAlphanumeric(first), isAlphanumeric(last) else { return false }
        var previous: UInt8 = 0
        for byte in name {
            guard isAlphanumeric(byte) || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".") else { return false }
            if byte == UInt8(ascii: "."), previous == UInt8(ascii: ".") { return false }
            previous = byte
        }
        return true
    }

    private static func isKey(_ key: Substring.UTF8View) -> Bool {
        guard (1...1024).contains(key.count) else { return false }
        guard !key.contains(where: { $0 < 0x20 || $0 == 0x7F }) else { return false }
        let segments = key.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return !segments.contains { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }
    }

    private static func isAlphanumeric(_ byte: UInt8) -> Bool {
        (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte) || (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte)
    }
}
