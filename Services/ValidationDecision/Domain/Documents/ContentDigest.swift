/// A SHA-256 that was computed over the exact bytes of an artifact.
public struct ContentDigest: Sendable, Hashable, CustomStringConvertible {
    /// 64 lower-case hexadecimal digits.
    public let hex: String

    /// Nil unless there are exactly 32 bytes.
    public init?(bytes: some Sequence<UInt8>) {
        var digits: [UInt8] = []
        digits.reserveCapacity(64)
        for byte in bytes {
            digits.append(Self.digit(byte >> 4))
            digits.append(Self.digit(byte & 15))
        }
        guard digits.count == 64 else { return nil }
        hex = String(decoding: digits, as: UTF8.self)
    }

    /// A hash as people write it: hexadecimal in either case, white space around it. Nil for anything else.
    public init?(claim: String) {
        let digits = trimmed(claim[...]).utf8
        guard digits.count == 64 else { return nil }
        var lower: [UInt8] = []
        lower.reserveCapacity(64)
        for byte in digits {
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "a")...UInt8(ascii: "f"): lower.append(byte)
            case UInt8(ascii: "A")...UInt8(ascii: "F"): lower.append(byte | 0x20)
            default: return nil
            }
        }
        hex = String(decoding: lower, as: UTF8.self)
    }

    /// Whether `claim` names this digest. A text that is no SHA-256 matches nothing.
    public func matches(claim: String) -> Bool { ContentDigest(claim: claim) == self }

    public var description: String { hex }

    private static func digit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + (value - 10)
    }
}
