/// A universally unique identifier, RFC 9562. Ordered by its bytes, so version 7 sorts by time.
public struct UUID: Hashable, Sendable {
    /// The first eight bytes, most significant first.
    public let high: UInt64
    /// The last eight bytes, most significant first.
    public let low: UInt64

    @inlinable
    public init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    /// The 16 bytes of the binary form, as PostgreSQL sends them. Nil for any other count.
    public init?(bytes: UnsafeRawBufferPointer) {
        guard bytes.count == 16 else { return nil }
        high = UInt64(bigEndian: bytes.loadUnaligned(as: UInt64.self))
        low = UInt64(bigEndian: bytes.loadUnaligned(fromByteOffset: 8, as: UInt64.self))
    }

    /// The canonical text, `8-4-4-4-12` hexadecimal digits of either case. Braces, `urn:uuid:` and missing hyphens are nil.
    public init?(_ text: String) {
        var text = text
        guard let value = text.withUTF8({ UUID(text: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = value
    }

    /// The canonical text as bytes.
    public init?(text: UnsafeRawBufferPointer) {
        guard text.count == 36 else { return nil }
        var words: (UInt64, UInt64) = (0, 0)
        for index in 0..<36 {
            let byte = text[index]
            if index == 8 || index == 13 || index == 18 || index == 23 {
                guard byte == UInt8(ascii: "-") else { return nil }
                continue
            }
            guard let digit = Hex.value(of: byte) else { return nil }
            if index < 18 { words.0 = words.0 << 4 | UInt64(digit) } else { words.1 = words.1 << 4 | UInt64(digit) }
        }
        self.init(high: words.0, low: words.1)
    }

    /// Version 4 from 128 random bits.
    @inlinable
    public static func v4(random: (UInt64, UInt64)) -> UUID {
        UUID(
            high: random.0 & 0xFFFF_FFFF_FFFF_0FFF | 0x4000,
            low: random.1 & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }

    /// Version 4; the generator should be a cryptographic one.
    @inlinable
    public static func v4(using random: inout some RandomNumberGenerator) -> UUID {
        v4(random: (random.next(), random.next()))
    }

    /// Version 7: 48 bits of milliseconds since 1970 UTC, then 74 random bits. Later milliseconds sort later.
    @inlinable
    public static func v7(milliseconds: UInt64, random: (UInt64, UInt64)) -> UUID {
        UUID(
            high: milliseconds << 16 | 0x7000 | random.0 & 0x0FFF,
            low: random.1 & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }

    /// Version 7 with the microseconds within the millisecond in the twelve bits after the version (RFC 9562 §6.2,
    /// method 3): later microseconds sort later. A time before 1970 counts as 1970.
    @inlinable
    public static func v7(at time: Timestamp, random: UInt64) -> UUID {
        let (milliseconds, micros) = UInt64(max(0, time.microseconds)).quotientAndRemainder(dividingBy: 1000)
        return UUID(
            high: milliseconds << 16 | 0x7000 | micros &* 4096 / 1000,
            low: random & 0x3FFF_FFFF_FFFF_FFFF | 0x8000_0000_0000_0000)
    }

    /// The four version bits.
    public var version: Int { Int(high >> 12 & 15) }

    /// The milliseconds since 1970 UTC of a version 7 value, nil for another version.
    public var milliseconds: UInt64? { version == 7 ? high >> 16 : nil }

    /// Calls `body` with the 16 bytes of the binary form.
    @inlinable
    public func withUnsafeBytes<Result, Failure: Error>(
        _ body: (UnsafeRawBufferPointer) throws(Failure) -> Result
    ) throws(Failure) -> Result {
        let words = (high.bigEndian, low.bigEndian)
        return try Swift.withUnsafeBytes(of: words) { (raw) throws(Failure) in try body(raw) }
    }

    /// Writes the 36 bytes of the canonical text, in lower case.
    public func write(to target: UnsafeMutableRawBufferPointer) {
        precondition(target.count >= 36, "36 bytes are needed")
        var index = 0
        for position in 0..<16 {
            if position == 4 || position == 6 || position == 8 || position == 10 {
                target[index] = UInt8(ascii: "-")
                index &+= 1
            }
            let word = position < 8 ? high : low
            let byte = UInt8(truncatingIfNeeded: word >> UInt64(56 &- 8 &* (position & 7)))
            target[index] = Hex.digit(byte >> 4)
            target[index &+ 1] = Hex.digit(byte & 15)
            index &+= 2
        }
    }
}

extension UUID: Comparable {
    public static func < (left: UUID, right: UUID) -> Bool {
        (left.high, left.low) < (right.high, right.low)
    }
}

extension UUID: CustomStringConvertible {
    public var description: String {
        String(unsafeUninitializedCapacity: 36) { target in
            write(to: UnsafeMutableRawBufferPointer(target))
            return 36
        }
    }
}

extension ByteBuffer {
    /// The canonical text, in lower case.
    public mutating func append(_ id: UUID) {
        appendUninitialized(36) { target in
            id.write(to: target)
            return 36
        }
    }
}
