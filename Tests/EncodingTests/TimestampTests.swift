import Encoding
import TestSupport
import Testing

@Suite struct TimestampTests {
    @Test("times of RFC 3339 are read", arguments: [
        ("1970-01-01T00:00:00Z", 0), ("1985-04-12T23:20:50.52Z", 482_196_050_520_000), ("1996-12-19T16:39:57-08:00", 851_042_397_000_000),
        ("1937-01-01T12:00:27.87+00:20", -1_041_337_172_130_000), ("2026-01-18t10:30:00z", 1_768_732_200_000_000),
        ("2000-02-29T00:00:00Z", 951_782_400_000_000), ("1969-12-31T23:59:59.999999Z", -1), ("1970-01-01T00:00:00.0000019Z", 1),
        ("1969-12-31T23:59:59.9999999Z", -1), ("1970-01-01T00:00:00.123456789012Z", 123_456), ("1970-01-01T00:00:00-00:00", 0),
        ("1970-01-01T23:59:00+23:59", 0), ("1990-12-31T23:59:60Z", 662_688_000_000_000), ("1990-12-31T15:59:60-08:00", 662_688_000_000_000),
        ("2016-12-31T23:59:60.5Z", 1_483_228_800_500_000), ("0000-01-01T00:00:00Z", -62_167_219_200_000_000),
        ("9999-12-31T23:59:59.999999Z", 253_402_300_799_999_999),
    ])
    func accepted(text: String, microseconds: Int64) {
        #expect(Timestamp(text)?.microseconds == microseconds)
    }

    @Test("what RFC 3339 does not allow is refused", arguments: [
        "", "2026-01-18", "2026-01-18T10:30:00", "2026-01-18 10:30:00Z", "2026-01-18T10:30Z", "2026-1-18T10:30:00Z", "26-01-18T10:30:00Z",
        "2026-13-01T00:00:00Z", "2026-00-01T00:00:00Z", "2026-01-00T00:00:00Z", "2026-01-32T00:00:00Z", "2026-02-29T00:00:00Z",
        "1900-02-29T00:00:00Z", "2026-04-31T00:00:00Z", "2026-01-18T24:00:00Z", "2026-01-18T10:60:00Z", "2026-01-18T10:30:61Z",
        "2026-01-18T10:30:60Z", "2026-01-18T23:59:60Z", "1990-12-31T23:59:60+01:00", "2026-01-18T10:30:00.Z", "2026-01-18T10:30:00,5Z",
        "2026-01-18T10:30:00+1:00", "2026-01-18T10:30:00+0100", "2026-01-18T10:30:00+24:00", "2026-01-18T10:30:00+01:60",
        "2026-01-18T10:30:00Zx", "2026-01-18T10:30:00Z ", " 2026-01-18T10:30:00Z", "+2026-01-18T10:30:00Z", "-001-01-18T10:30:00Z",
        "0000-01-01T00:00:00+00:01", "9999-12-31T23:59:59-00:01", "9999-12-31T23:59:60Z", "２026-01-18T10:30:00Z",
        "2026-01-18T10:30:00.00000000000000000000000000000000000000000000000Z", "2026-01-18T10:30:00\u{2212}01:00",
    ])
    func refused(text: String) {
        #expect(Timestamp(text) == nil)
    }

    @Test("times are written in UTC with the digits asked for")
    func formats() {
        let time = Timestamp(microseconds: 1_768_732_200_012_345)
        #expect(time.formatted() == "2026-01-18T10:30:00.012345Z")
        #expect(time.formatted(.milliseconds) == "2026-01-18T10:30:00.012Z")
        #expect(time.formatted(.seconds) == "2026-01-18T10:30:00Z")
        #expect("\(time)" == "2026-01-18T10:30:00.012345Z")
        #expect(Timestamp(microseconds: -1).formatted(.seconds) == "1969-12-31T23:59:59Z")
        #expect(time.cut(to: .seconds).microseconds == 1_768_732_200_000_000)
        #expect(Timestamp(microseconds: -1).cut(to: .milliseconds).microseconds == -1000)
        #expect(Timestamp(microseconds: -1).milliseconds == -1)
        #expect(Timestamp(microseconds: 1999).milliseconds == 1)
    }

    @Test("the ends of the range are written without a trap")
    func ends() {
        #expect(Timestamp(microseconds: .max).formatted() == "+294247-01-10T04:00:54.775807Z")
        #expect(Timestamp(microseconds: .min).formatted() == "-290308-12-21T19:59:05.224192Z")
        #expect(Timestamp(microseconds: .min).cut(to: .seconds).microseconds == .min)
        #expect(Timestamp(microseconds: .max) + .seconds(1) == Timestamp(microseconds: .max))
        #expect(Timestamp(microseconds: .min) - .seconds(1) == Timestamp(microseconds: .min))
        #expect(Timestamp(microseconds: 0) + .seconds(Int64.max) == Timestamp(microseconds: .max))
        #expect(Timestamp(microseconds: .max) - Timestamp(microseconds: .min) > .seconds(0))
    }

    @Test("a written time reads back as it was, and the order of texts is the order of times", arguments: 0..<300 as Range<UInt64>)
    func roundTrip(seed: UInt64) {
        var random = SeededRandom(seed)
        let range: ClosedRange<Int64> = -62_167_219_200_000_000...253_402_300_799_999_999
        let first = Timestamp(microseconds: .random(in: range, using: &random))
        let second = Timestamp(microseconds: .random(in: range, using: &random))
        #expect(Timestamp(first.formatted()) == first, "seed \(seed)")
        #expect((first < second) == (first.formatted() < second.formatted()), "seed \(seed)")
        #expect(Timestamp(first.formatted(.seconds)) == first.cut(to: .seconds), "seed \(seed)")
    }

    @Test("every day from 1899 to 2101 follows the one before")
    func calendar() throws {
        var day = try #require(Timestamp("1899-12-31T00:00:00Z"))
        var previous = day.formatted(.seconds)
        while day.formatted(.seconds) < "2101-01-01" {
            day += .seconds(86_400)
            let text = day.formatted(.seconds)
            #expect(text > previous)
            #expect(Timestamp(text) == day)
            previous = text
        }
        #expect(previous == "2101-01-01T00:00:00Z")
    }

    @Test("the clock reads later than this line was written")
    func clock() throws {
        #expect(try Timestamp.now() > #require(Timestamp("2024-01-01T00:00:00Z")))
    }
}
