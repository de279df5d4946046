/// The `Date` field line, formatted once a second (RFC 9110 §5.6.7). One per loop.
struct HTTPDate {
    private var second = Int.min
    /// "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"
    private var line: [UInt8] = []

    /// The field line for a time in seconds since 1970 UTC.
    mutating func line(at seconds: Int) -> [UInt8] {
        if seconds != second {
            second = seconds
            line = Array("Date: \(Self.format(seconds))\r\n".utf8)
        }
        return line
    }

    /// IMF-fixdate, for years 1970 to 9999.
    static func format(_ seconds: Int) -> String {
        let seconds = min(max(seconds, 0), 253_402_300_799)
        let days = seconds / 86_400
        let rest = seconds % 86_400
        let (year, month, day) = civil(days)
        let weekday = weekdays[(days + 4) % 7]
        return "\(weekday), \(two(day)) \(months[month - 1]) \(year)"
            + " \(two(rest / 3600)):\(two(rest / 60 % 60)):\(two(rest % 60)) GMT"
    }

    /// The Gregorian date of a day counted from 1970-01-01, by 400-year eras that begin in March.
    private static func civil(_ days: Int) -> (year: Int, month: Int, day: Int) {
        let shifted = days + 719_468
        let era = shifted / 146_097
        let dayOfEra = shifted % 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        let month = shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9
        let year = era * 400 + yearOfEra + (month <= 2 ? 1 : 0)
        return (year, month, dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
    }

    private static func two(_ value: Int) -> String { value < 10 ? "0\(value)" : "\(value)" }

    private static let weekdays = ["Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"]
    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]
}
