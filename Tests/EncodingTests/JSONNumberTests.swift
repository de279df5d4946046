import Encoding
import TestSupport
import Testing

@Suite struct JSONNumberTests {
    @Test("an integer is given exactly or not at all", arguments: [
        ("0", 0), ("-0", 0), ("-0.0", 0), ("0e999999999999", 0), ("0.000e-5", 0), ("7", 7), ("-7", -7), ("1.0", 1), ("1.50e1", 15),
        ("2e3", 2000), ("2E+3", 2000), ("1200e-2", 12), ("9223372036854775807", .max), ("-9223372036854775808", .min),
        ("9.223372036854775807e18", .max), ("922337203685477580700e-2", .max), ("100000000000000000000e-20", 1),
        ("9223372036854775808", nil), ("-9223372036854775809", nil), ("1e19", nil), ("1e999999999999999999", nil), ("1.5", nil),
        ("1e-1", nil), ("15e-2", nil), ("0.1", nil), ("-1e-999999999999999999", nil), ("18446744073709551616", nil),
    ] as [(String, Int64?)])
    func integers(text: String, expected: Int64?) throws {
        let number = try #require(try JSONReader.parse(text).number)
        #expect(number.text == text)
        #expect(number.int64 == expected)
        #expect(number.int == expected.map(Int.init))
    }

    @Test("unsigned integers reach to the end of 64 bits", arguments: [
        ("18446744073709551615", UInt64.max), ("18446744073709551616", nil), ("-1", nil), ("-0", 0), ("1e0", 1),
    ] as [(String, UInt64?)])
    func unsigned(text: String, expected: UInt64?) throws {
        #expect(try JSONReader.parse(text).number?.uint64 == expected)
    }

    @Test("a double is the nearest one, never infinite", arguments: [
        ("0.1", 0.1), ("1e400", nil), ("-1e400", nil), ("1e-400", 0), ("123456789012345678901234567890", 123456789012345678901234567890.0),
        ("5e-324", Double.leastNonzeroMagnitude), ("1.7976931348623157e308", Double.greatestFiniteMagnitude), ("-0.0", -0.0),
    ] as [(String, Double?)])
    func doubles(text: String, expected: Double?) throws {
        #expect(try JSONReader.parse(text).number?.double == expected)
    }

    @Test("every integer and finite double reads back as it was written", arguments: 0..<100 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let integer = Int64(bitPattern: random.next()) >> Int64.random(in: 0...63, using: &random)
        #expect(JSONNumber(integer).int64 == integer, "seed \(seed)")
        let double = Double(bitPattern: random.next())
        if let number = JSONNumber(double) {
            #expect(try JSONReader.parse(number.text).number?.double == double, "seed \(seed)")
        }
        #expect(JSONNumber(Double.infinity) == nil)
        #expect(JSONNumber(Double.nan) == nil)
    }
}
