import Glibc

/// Writes the present time in RFC 3339, UTC, with microseconds. Keeps the text of the current second.
struct LogClock {
    private var second = Int.min
    private var prefix: [UInt8] = []

    /// Appends 27 bytes: `2026-01-31T23:59:59.123456Z`.
    mutating func append(to bytes: inout [UInt8]) {
        var now = timespec()
        clock_gettime(CLOCK_REALTIME, &now)
        append(second: now.tv_sec, microsecond: now.tv_nsec / 1000, to: &bytes)
    }

    mutating func append(second: Int, microsecond: Int, to bytes: inout [UInt8]) {
        if second != self.second {
            self.second = second
            prefix = Self.text(second)
        }
        bytes.append(contentsOf: prefix)
        Self.appendDigits(microsecond, width: 6, to: &bytes)
        bytes.append(UInt8(ascii: "Z"))
    }

    private static func text(_ second: Int) -> [UInt8] {
        var time = time_t(second)
        var parts = tm()
        gmtime_r(&time, &parts)
        var bytes: [UInt8] = []
        bytes.reserveCapacity(20)
        appendDigits(Int(parts.tm_year) + 1900, width: 4, to: &bytes)
        for (mark, value) in [
            ("-", parts.tm_mon + 1), ("-", parts.tm_mday), ("T", parts.tm_hour), (":", parts.tm_min), (":", parts.tm_sec),
        ] {
            bytes += Array(mark.utf8)
            appendDigits(Int(value), width: 2, to: &bytes)
        }
        bytes.append(UInt8(ascii: "."))
        return bytes
    }

    static func appendDigits(_ value: Int, width: Int, to bytes: inout [UInt8]) {
        var divisor = 1
        for _ in 1..<width { divisor *= 10 }
        while divisor > 0 {
            bytes.append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: value / divisor % 10))
            divisor /= 10
        }
    }
}
