extension Timestamp {
    /// Reads a date-time of RFC 3339 §5.6, for example `2026-01-18T10:30:00.25+01:00`.
    ///
    /// `T` and `Z` may be lower case; a space in place of `T` is refused. Digits past the microsecond are dropped. Second 60
    /// is taken only where a leap second can be, 23:59:60 UTC on the last day of a month, and means the second after it. The
    /// instant must lie in the years 0000 to 9999 UTC. The offset `-00:00` means UTC.
    public init?(_ text: String) {
        var text = text
        guard let value = text.withUTF8({ Timestamp(text: UnsafeRawBufferPointer($0)) }) else { return nil }
        self = value
    }

    /// The same, from bytes.
    public init?(text: UnsafeRawBufferPointer) {
        guard text.count >= 20, text.count <= 64 else { return nil }
        var scanner = TimeScanner(text: text)
        guard let year = scanner.number(4), scanner.skip("-"), let month = scanner.number(2), scanner.skip("-"),
            let day = scanner.number(2), scanner.skip("T", or: "t"),
            let hour = scanner.number(2), scanner.skip(":"), let minute = scanner.number(2), scanner.skip(":"),
            let second = scanner.number(2),
            let fraction = scanner.fraction(), let offset = scanner.offset(), scanner.atEnd,
            1...12 ~= month, day >= 1, day <= CivilDate.daysIn(month: month, of: year),
            hour < 24, minute < 60, second <= 60
        else { return nil }
        let days = CivilDate.days(year: year, month: month, day: day)
        let seconds = days * 86_400 + hour * 3600 + minute * 60 + second - offset * 60
        if second == 60 {
            // The second after must open a month in UTC.
            let next = CivilDate.date(days: seconds.quotientAndRemainder(dividingBy: 86_400).quotient)
            guard seconds % 86_400 == 0, next.day == 1 else { return nil }
        }
        guard Self.writableSeconds ~= seconds else { return nil }
        self.init(microseconds: seconds * 1_000_000 + fraction)
    }

    /// From 0000-01-01T00:00:00Z to 9999-12-31T23:59:59Z.
    static let writableSeconds: ClosedRange<Int64> = -62_167_219_200...253_402_300_799

    /// RFC 3339 in UTC with `Z`. Years outside 0000 to 9999 are written with a sign and six digits (ISO 8601 expanded form),
    /// which `init(_:)` refuses.
    public func formatted(_ precision: Precision = .microseconds) -> String {
        String(unsafeUninitializedCapacity: Self.textBytesMax) { target in
            write(to: UnsafeMutableRawBufferPointer(target), precision)
        }
    }

    /// Room that `write(to:_:)` needs at most.
    public static let textBytesMax = 32

    /// Writes the text of `formatted(_:)` and returns its length.
    @discardableResult
    public func write(to target: UnsafeMutableRawBufferPointer, _ precision: Precision = .microseconds) -> Int {
        precondition(target.count >= Self.textBytesMax, "32 bytes are needed")
        var seconds = microseconds / 1_000_000
        var fraction = microseconds % 1_000_000
        if fraction < 0 {
            fraction += 1_000_000
            seconds -= 1
        }
        var days = seconds / 86_400
        var ofDay = seconds % 86_400
        if ofDay < 0 {
            ofDay += 86_400
            days -= 1
        }
        let date = CivilDate.date(days: days)
        var index = 0
        func put(_ byte: UInt8) {
            target[index] = byte
            index &+= 1
        }
        func two(_ value: Int64) {
            put(48 &+ UInt8(truncatingIfNeeded: value / 10))
            put(48 &+ UInt8(truncatingIfNeeded: value % 10))
        }
        if 0...9999 ~= date.year {
            two(date.year / 100)
            two(date.year % 100)
        } else {
            put(UInt8(ascii: date.year < 0 ? "-" : "+"))
            let year = abs(date.year)
            two(year / 10_000)
            two(year / 100 % 100)
            two(year % 100)
        }
        put(UInt8(ascii: "-"))
        two(date.month)
        put(UInt8(ascii: "-"))
        two(date.day)
        put(UInt8(ascii: "T"))
        two(ofDay / 3600)
        put(UInt8(ascii: ":"))
        two(ofDay / 60 % 60)
        put(UInt8(ascii: ":"))
        two(ofDay % 60)
        if precision != .seconds {
            put(UInt8(ascii: "."))
            two(fraction / 10_000)
            if precision == .milliseconds {
                put(48 &+ UInt8(truncatingIfNeeded: fraction / 1000 % 10))
            } else {
                two(fraction / 100 % 100)
                two(fraction % 100)
            }
        }
        put(UInt8(ascii: "Z"))
        return index
    }
}

extension Timestamp: CustomStringConvertible {
    /// RFC 3339 with microseconds.
    public var description: String { formatted() }
}

extension ByteBuffer {
    /// RFC 3339 in UTC, see `Timestamp.formatted(_:)`.
    public mutating func append(_ time: Timestamp, _ precision: Timestamp.Precision = .microseconds) {
        appendUninitialized(Timestamp.textBytesMax) { target in time.write(to: target, precision) }
    }
}

/// Reads the fields of a date-time from left to right.
private struct TimeScanner {
    let text: UnsafeRawBufferPointer
    var index = 0

    var atEnd: Bool { index == text.count }

    /// Exactly `count` decimal digits.
    mutating func number(_ count: Int) -> Int64? {
        guard text.count - index >= count else { return nil }
        var value: Int64 = 0
        for _ in 0..<count {
            let digit = text[index] &- 48
            guard digit < 10 else { return nil }
            value = value &* 10 &+ Int64(digit)
            index &+= 1
        }
        return value
    }

    mutating func skip(_ byte: Unicode.Scalar, or other: Unicode.Scalar? = nil) -> Bool {
        guard index < text.count else { return false }
        let found = text[index]
        guard found == UInt8(ascii: byte) || other.map({ found == UInt8(ascii: $0) }) == true else { return false }
        index &+= 1
        return true
    }

    /// Microseconds of `.digits`, 0 where there is no point, nil where no digit follows it.
    mutating func fraction() -> Int64? {
        guard skip(".") else { return 0 }
        var value: Int64 = 0
        var count = 0
        while index < text.count, text[index] &- 48 < 10 {
            if count < 6 { value = value &* 10 &+ Int64(text[index] &- 48) }
            count &+= 1
            index &+= 1
        }
        guard count > 0 else { return nil }
        for _ in min(count, 6)..<6 { value = value &* 10 }
        return value
    }

    /// Minutes east of UTC.
    mutating func offset() -> Int64? {
        if skip("Z", or: "z") { return 0 }
        let west = skip("-")
        guard west || skip("+"), let hours = number(2), skip(":"), let minutes = number(2), hours < 24, minutes < 60
        else { return nil }
        return (west ? -1 : 1) * (hours * 60 + minutes)
    }
}
