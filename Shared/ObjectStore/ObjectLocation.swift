/// Where an object is: a bucket and a key, never a host. Both are checked, so that neither can lead out of a store.
public struct ObjectLocation: Sendable, Hashable, CustomStringConvertible {
    public let bucket: String
    /// 1 to 1,024 bytes of UTF-8, as given: nothing is percent-decoded.
    public let key: String

    /// Bytes of a key.
    public static let keyBytesMax = 1024

    /// Reads `s3://bucket/key`. No query, fragment, user name, port or backslash has a place in it.
    public init(parsing uri: String) throws(ObjectError) {
        guard uri.utf8.starts(with: "s3://".utf8) else { throw .invalidLocation("does not begin with s3://") }
        let rest = uri.utf8.dropFirst(5)
        guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else { throw .invalidLocation("has no key") }
        try self.init(bucket: String(rest[..<slash]) ?? "", key: String(rest[rest.index(after: slash)...]) ?? "")
        guard !key.utf8.contains(where: { $0 == UInt8(ascii: "?") || $0 == UInt8(ascii: "#") }) else {
            throw .invalidLocation("holds a query or a fragment")
        }
    }

    /// - Throws: `.invalidLocation` with a text that says which rule is broken.
    public init(bucket: String, key: String) throws(ObjectError) {
        if let defect = ObjectLocation.bucketDefect(bucket) ?? ObjectLocation.keyDefect(key) {
            throw .invalidLocation(defect)
        }
        self.bucket = bucket
        self.key = key
    }

    public var description: String { "s3://\(bucket)/\(key)" }

    /// Why the name is no bucket name, or nil: 3 to 63 of a-z, 0-9, `.` and `-`, beginning and ending with a letter or digit, no two dots together,
    /// not an IPv4 address.
    public static func bucketDefect(_ bucket: String) -> String? {
        let bytes = Array(bucket.utf8)
        guard (3...63).contains(bytes.count) else { return "the bucket name is not 3 to 63 characters long" }
        let isPlain: (UInt8) -> Bool = { (48...57).contains($0) || (97...122).contains($0) }
        guard bytes.allSatisfy({ isPlain($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") }),
            let first = bytes.first, let last = bytes.last, isPlain(first), isPlain(last), !bucket.contains("..")
        else { return "the bucket name holds what no bucket name may" }
        let parts = bytes.split(separator: UInt8(ascii: "."))
        if parts.count == 4, parts.allSatisfy({ $0.allSatisfy { (48...57).contains($0) } }) {
            return "the bucket name is an address"
        }
        return nil
    }

    private static func keyDefect(_ key: String) -> String? {
        let bytes = Array(key.utf8)
        guard !bytes.isEmpty else { return "the key is empty" }
        guard bytes.count <= keyBytesMax else { return "the key is longer than \(keyBytesMax) bytes" }
        guard !key.unicodeScalars.contains(where: { $0.value < 0x20 || (0x7f...0x9f).contains($0.value) || $0 == "\\" })
        else { return "the key holds a control character or a backslash" }
        let segments = bytes.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard !segments.contains(where: { $0.isEmpty }) else { return "the key has an empty segment" }
        guard !segments.contains(where: { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) }) else {
            return "the key has a dot segment"
        }
        return nil
    }
}
