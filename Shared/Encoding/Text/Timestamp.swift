internal import Glibc

/// An instant: microseconds since 1970-01-01T00:00:00 UTC, leap seconds not counted, as PostgreSQL's timestamptz has it.
public struct Timestamp: Hashable, Sendable {
    public var microseconds: Int64

    @inlinable
    public init(microseconds: Int64) {
        self.microseconds = microseconds
    }

    /// Whole seconds since 1970 UTC. Traps past ±292,271 years.
    @inlinable
    public init(seconds: Int64) {
        microseconds = seconds * 1_000_000
    }

    /// The clock of this machine. Pure code takes the time as an argument instead.
    public static func now() -> Timestamp {
        var time = timespec()
        clock_gettime(CLOCK_REALTIME, &time)
        return Timestamp(microseconds: Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1000)
    }

    /// Whole milliseconds since 1970 UTC, rounded down.
    @inlinable
    public var milliseconds: Int64 {
        let (quotient, rest) = microseconds.quotientAndRemainder(dividingBy: 1000)
        return rest < 0 ? quotient - 1 : quotient
    }

    /// Cut (towards the past) to whole units of `precision`.
    public func cut(to precision: Precision) -> Timestamp {
        let unit = precision.microseconds
        let rest = microseconds % unit
        let (value, overflow) = microseconds.subtractingReportingOverflow(rest < 0 ? rest + unit : rest)
        return overflow ? self : Timestamp(microseconds: value)
    }

    /// How many digits of a second are written.
    public enum Precision: Int, Sendable {
        case seconds = 0
        case milliseconds = 3
        case microseconds = 6

        var microseconds: Int64 {
            switch self {
            case .seconds: 1_000_000
            case .milliseconds: 1000
            case .microseconds: 1
            }
        }
    }
}

extension Timestamp: Comparable {
    @inlinable
    public static func < (left: Timestamp, right: Timestamp) -> Bool { left.microseconds < right.microseconds }

    /// Later by `duration`, cut to microseconds. Stays at the far end where the sum does not fit.
    public static func + (time: Timestamp, duration: Duration) -> Timestamp {
        let (seconds, attoseconds) = duration.components
        let (whole, overflow) = seconds.multipliedReportingOverflow(by: 1_000_000)
        let edge = Timestamp(microseconds: seconds < 0 ? .min : .max)
        guard !overflow else { return edge }
        let (span, spanOverflow) = whole.addingReportingOverflow(attoseconds / 1_000_000_000_000)
        guard !spanOverflow else { return edge }
        let (sum, sumOverflow) = time.microseconds.addingReportingOverflow(span)
        return sumOverflow ? edge : Timestamp(microseconds: sum)
    }

    public static func - (time: Timestamp, duration: Duration) -> Timestamp { time + (.zero - duration) }

    /// The time between two instants.
    public static func - (left: Timestamp, right: Timestamp) -> Duration {
        .microseconds(left.microseconds) - .microseconds(right.microseconds)
    }

    public static func += (time: inout Timestamp, duration: Duration) { time = time + duration }
}

/// Days of the proleptic Gregorian calendar, counted from 1970-01-01.
enum CivilDate {
    /// Exact for every year and month 1...12; the day may be any number.
    static func days(year: Int64, month: Int64, day: Int64) -> Int64 {
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    @inline(__always)
    static func date(days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let day = dayOfYear - (153 * shiftedMonth + 2) / 5 + 1
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, day)
    }

    static func daysIn(month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
