import Encoding
import TestSupport
import Testing

@Suite struct UUIDTests {
    @Test("canonical text of either case is read, and written in lower case")
    func text() throws {
        let id = try #require(UUID("F81D4FAE-7dec-11d0-A765-00a0c91e6bf6"))
        #expect(id.description == "f81d4fae-7dec-11d0-a765-00a0c91e6bf6")
        #expect(id.high == 0xF81D_4FAE_7DEC_11D0)
        #expect(id.low == 0xA765_00A0_C91E_6BF6)
        #expect(id.version == 1)
        #expect(id.withUnsafeBytes { UUID(bytes: $0) } == id)
        #expect(id.withUnsafeBytes { $0.first } == 0xF8)
    }

    @Test("other shapes are refused", arguments: [
        "", "f81d4fae7dec11d0a76500a0c91e6bf6", "{f81d4fae-7dec-11d0-a765-00a0c91e6bf6}", "urn:uuid:f81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6a", "g81d4fae-7dec-11d0-a765-00a0c91e6bf6",
        "f81d4fae-7dec-11d0-a76500a0-c91e6bf6", "f81d4fae 7dec-11d0-a765-00a0c91e6bf6", "f81d4fa-e7dec-11d0-a765-00a0c91e6bf6",
        "f81d4fae-7dec-11d0-a765-00a0c91e6bf\u{0}", "-------------------------------------", "f81d4fae-7dec-11d0-a765-00a0c91e6b\u{E9}",
    ])
    func refused(text: String) {
        #expect(UUID(text) == nil)
    }

    @Test("bytes of another count are no UUID")
    func byteCounts() {
        for count in [0, 15, 17] { #expect([UInt8](repeating: 0, count: count).withUnsafeBytes { UUID(bytes: $0) } == nil) }
    }

    @Test("version 4 and 7 carry version and variant whatever the random bits are", arguments: 0..<100 as Range<UInt64>)
    func bits(seed: UInt64) {
        var random = SeededRandom(seed)
        let pair = seed == 0 ? (0, 0) : seed == 1 ? (.max, .max) : (random.next(), random.next())
        let four = UUID.v4(random: pair)
        #expect(four.version == 4 && four.low >> 62 == 2, "seed \(seed)")
        #expect(four.high & 0xFFFF_FFFF_FFFF_0FFF == pair.0 & 0xFFFF_FFFF_FFFF_0FFF)
        #expect(four.low & 0x3FFF_FFFF_FFFF_FFFF == pair.1 & 0x3FFF_FFFF_FFFF_FFFF)
        let milliseconds = random.next() >> 16
        let seven = UUID.v7(milliseconds: milliseconds, random: pair)
        #expect(seven.version == 7 && seven.low >> 62 == 2, "seed \(seed)")
        #expect(seven.milliseconds == milliseconds)
        #expect(four.milliseconds == nil)
        #expect(UUID(seven.description) == seven)
    }

    @Test("the example of RFC 9562 A.6 is made from its parts")
    func example() {
        let id = UUID.v7(milliseconds: 0x017F_22E2_79B0, random: (0xCC3, 0x18C4_DC0C_0C07_398F))
        #expect(id.description == "017f22e2-79b0-7cc3-98c4-dc0c0c07398f")
    }

    @Test("version 7 sorts by time, as bytes and as text", arguments: 0..<100 as Range<UInt64>)
    func order(seed: UInt64) {
        var random = SeededRandom(seed)
        let first = UInt64.random(in: 0..<(1 << 47), using: &random)
        let second = first + UInt64.random(in: 1...1000, using: &random)
        let early = UUID.v7(milliseconds: first, random: (random.next(), random.next()))
        let late = UUID.v7(milliseconds: second, random: (random.next(), random.next()))
        #expect(early < late, "seed \(seed)")
        #expect(early.description < late.description, "seed \(seed)")
        let time = Timestamp(microseconds: Int64(first) * 16)
        let next = Timestamp(microseconds: time.microseconds + 1)
        #expect(UUID.v7(at: time, random: random.next()) < UUID.v7(at: next, random: random.next()), "seed \(seed)")
        #expect(UUID.v7(at: time, random: 0).milliseconds == UInt64(time.milliseconds))
    }
}
