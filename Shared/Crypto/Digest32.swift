/// The 32 bytes of a SHA-256 digest or HMAC. Its `==` is not constant-time; compare secrets with `constantTimeEquals`.
public struct Digest32: Hashable, Sendable {
    /// The bytes in order, as four words in the byte order of this machine.
    @usableFromInline let words: (UInt64, UInt64, UInt64, UInt64)

    /// Nil unless there are exactly 32 bytes.
    public init?(_ bytes: UnsafeRawBufferPointer) {
        guard bytes.count == Self.count else { return nil }
        words = bytes.loadUnaligned(as: (UInt64, UInt64, UInt64, UInt64).self)
    }

    public init?(_ bytes: [UInt8]) {
        guard let value = bytes.withUnsafeBytes({ Digest32($0) }) else { return nil }
        self = value
    }

    /// 64 hexadecimal digits of either case.
    public init?(hex: String) {
        guard hex.utf8.count == 2 * Self.count else { return nil }
        var bytes: [UInt8] = []
        var high: UInt8 = 0
        for (index, digit) in hex.utf8.enumerated() {
            let value: UInt8
            switch digit {
            case 48...57: value = digit &- 48
            case 97...102: value = digit &- 87
            case 65...70: value = digit &- 55
            default: return nil
            }
            if index.isMultiple(of: 2) { high = value << 4 } else { bytes.append(high | value) }
        }
        self.init(bytes)
    }

    /// Lets `fill` write the bytes.
    init(_ fill: (UnsafeMutablePointer<UInt8>) -> Void) {
        var words: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        withUnsafeMutableBytes(of: &words) { raw in
            raw.withMemoryRebound(to: UInt8.self) { bytes in
                if let base = bytes.baseAddress { fill(base) }
            }
        }
        self.words = words
    }

    /// Bytes in a digest.
    public static let count = 32

    @inlinable
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        try Swift.withUnsafeBytes(of: words) { (raw) throws(Failure) in try body(raw) }
    }

    public var bytes: [UInt8] { withUnsafeBytes { [UInt8]($0) } }

    /// 64 lower-case hexadecimal digits.
    public var hex: String {
        withUnsafeBytes { bytes in
            String(unsafeUninitializedCapacity: 2 * Self.count) { target in
                for (index, byte) in bytes.enumerated() {
                    target[2 * index] = Self.digit(byte >> 4)
                    target[2 * index + 1] = Self.digit(byte & 15)
                }
                return 2 * Self.count
            }
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? value &+ 48 : value &+ 87 }

    public static func == (left: Digest32, right: Digest32) -> Bool { left.words == right.words }

    public func hash(into hasher: inout Hasher) {
        hasher.combine(words.0)
        hasher.combine(words.1)
        hasher.combine(words.2)
        hasher.combine(words.3)
    }
}

extension Digest32: CustomStringConvertible {
    public var description: String { hex }
}
