/// Builds log lines in one form, into a buffer of its owner. One per loop; it keeps the clock's text.
struct LogEncoder {
    private let format: LogFormat
    private var clock = LogClock()

    init(_ format: LogFormat) { self.format = format }

    mutating func begin(_ level: LogLevel, _ message: String, to bytes: inout [UInt8]) {
        switch format {
        case .json:
            bytes.append(literal: #"{"time":""#)
            clock.append(to: &bytes)
            bytes.append(literal: #"","level":""#)
            bytes.append(contentsOf: level.rawValue.utf8)
            bytes.append(literal: #"","message":""#)
            LogEscape.append(message, to: &bytes)
            bytes.append(UInt8(ascii: "\""))
        case .text:
            clock.append(to: &bytes)
            bytes.append(UInt8(ascii: " "))
            bytes.append(contentsOf: level.rawValue.utf8)
            bytes.append(UInt8(ascii: " "))
            LogEscape.append(message, to: &bytes)
        }
    }

    func text(_ name: StaticString, _ value: String, to bytes: inout [UInt8]) {
        key(name, to: &bytes)
        let isQuoted = format == .json || !LogEscape.isBare(value)
        if isQuoted { bytes.append(UInt8(ascii: "\"")) }
        LogEscape.append(value, to: &bytes)
        if isQuoted { bytes.append(UInt8(ascii: "\"")) }
    }

    /// Text that is known to be printable ASCII without quotes: ids, digits.
    func plain(_ name: StaticString, to bytes: inout [UInt8], _ write: (inout [UInt8]) -> Void) {
        key(name, to: &bytes)
        if format == .json { bytes.append(UInt8(ascii: "\"")) }
        write(&bytes)
        if format == .json { bytes.append(UInt8(ascii: "\"")) }
    }

    func number(_ name: StaticString, _ value: Int, to bytes: inout [UInt8]) {
        key(name, to: &bytes)
        bytes.append(decimal: value)
    }

    /// Milliseconds with three decimals.
    func milliseconds(_ name: StaticString, _ value: Duration, to bytes: inout [UInt8]) {
        key(name, to: &bytes)
        bytes.append(milliseconds: value)
    }

    func field(_ field: LogField, to bytes: inout [UInt8]) {
        switch field.value {
        case .text(let text): self.text(field.name, text, to: &bytes)
        case .number(let number): self.number(field.name, number, to: &bytes)
        case .milliseconds(let duration): milliseconds(field.name, duration, to: &bytes)
        case .flag(let flag):
            key(field.name, to: &bytes)
            bytes.append(literal: flag ? "true" : "false")
        }
    }

    func end(to bytes: inout [UInt8]) {
        if format == .json { bytes.append(UInt8(ascii: "}")) }
        bytes.append(UInt8(ascii: "\n"))
    }

    private func key(_ name: StaticString, to bytes: inout [UInt8]) {
        switch format {
        case .json:
            bytes.append(literal: ",\"")
            bytes.append(literal: name)
            bytes.append(literal: "\":")
        case .text:
            bytes.append(UInt8(ascii: " "))
            bytes.append(literal: name)
            bytes.append(UInt8(ascii: "="))
        }
    }
}

extension [UInt8] {
    mutating func append(literal: StaticString) {
        append(contentsOf: UnsafeBufferPointer(start: literal.utf8Start, count: literal.utf8CodeUnitCount))
    }

    mutating func append(decimal value: Int) {
        if value < 0 { append(UInt8(ascii: "-")) }
        var magnitude = value.magnitude
        let start = count
        repeat {
            append(UInt8(ascii: "0") + UInt8(truncatingIfNeeded: magnitude % 10))
            magnitude /= 10
        } while magnitude > 0
        self[start...].reverse()
    }

    /// A duration as milliseconds with three decimals; negative ones count as zero.
    mutating func append(milliseconds value: Duration) {
        let (seconds, attoseconds) = value.components
        let whole = Swift.max(0, Swift.min(seconds, Int64(Int32.max)))
        let microseconds = Swift.max(0, whole * 1_000_000 + (seconds < 0 ? 0 : attoseconds / 1_000_000_000_000))
        append(decimal: Int(microseconds / 1000))
        append(UInt8(ascii: "."))
        LogClock.appendDigits(Int(microseconds % 1000), width: 3, to: &self)
    }
}
