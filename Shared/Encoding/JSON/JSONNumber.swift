/// A JSON number, kept exactly as its text. Two numbers are equal when their texts are: `1` is not `1.0`.
public struct JSONNumber: Hashable, Sendable {
    /// As it was written, matching the grammar of RFC 8259 §6.
    public let text: String

    /// For text that was checked against the grammar.
    init(checked text: String) { self.text = text }

    public init(_ value: some FixedWidthInteger) { text = String(value) }

    /// The shortest text that reads back as `value`; nil for infinities and not-a-number, which JSON lacks.
    public init?(_ value: Double) {
        guard value.isFinite else { return nil }
        text = value.description
    }

    /// The exact integer: also `1.0` and `2e3`, which are integers too (JSON Schema 2020-12 §4.2.3). Nil for a fraction or a
    /// value out of range; never rounded.
    public var int: Int? { int64.flatMap(Int.init(exactly:)) }

    public var int64: Int64? {
        guard let decimal = Decimal(text) else { return nil }
        if decimal.magnitude == 0 { return 0 }
        guard decimal.isNegative else { return Int64(exactly: decimal.magnitude) }
        return decimal.magnitude <= Int64.min.magnitude ? Int64(truncatingIfNeeded: 0 &- decimal.magnitude) : nil
    }

    public var uint64: UInt64? {
        guard let decimal = Decimal(text), !decimal.isNegative || decimal.magnitude == 0 else { return nil }
        return decimal.magnitude
    }

    /// The nearest double; nil where it would be infinite.
    public var double: Double? {
        guard let value = Double(text), value.isFinite else { return nil }
        return value
    }

    /// Whether there is neither a fraction nor an exponent.
    public var isPlainInteger: Bool {
        !text.utf8.contains { $0 == UInt8(ascii: ".") || $0 | 0x20 == UInt8(ascii: "e") }
    }

    /// An integer as sign and magnitude, read from number text of any shape without rounding.
    private struct Decimal {
        var isNegative = false
        var magnitude: UInt64 = 0

        init?(_ text: String) {
            // Digits without the point, the place of the point, and the exponent.
            var seenPoint = false
            var fractionDigits = 0
            var zeros = 0  // zeros not yet multiplied in: they matter only before another digit
            var exponent = 0
            var exponentNegative = false
            var inExponent = false
            for byte in text.utf8 {
                switch byte {
                case UInt8(ascii: "-"):
                    if inExponent { exponentNegative = true } else { isNegative = true }
                case UInt8(ascii: "+"): break
                case UInt8(ascii: "."): seenPoint = true
                case UInt8(ascii: "e"), UInt8(ascii: "E"): inExponent = true
                default:
                    let digit = byte &- 48
                    if inExponent {
                        exponent = min(exponent * 10 + Int(digit), 1_000_000_000)
                        continue
                    }
                    if seenPoint { fractionDigits += 1 }
                    if digit == 0 {
                        zeros += 1
                        continue
                    }
                    guard scale(by: zeros + 1) else { return nil }
                    zeros = 0
                    let (sum, overflow) = magnitude.addingReportingOverflow(UInt64(digit))
                    guard !overflow else { return nil }
                    magnitude = sum
                }
            }
            guard magnitude != 0 else { return }
            let power = (exponentNegative ? -exponent : exponent) - fractionDigits + zeros
            guard power >= 0, scale(by: power) else { return nil }
        }

        /// Times ten to the `power`; false on overflow.
        private mutating func scale(by power: Int) -> Bool {
            guard magnitude != 0 else { return true }
            guard power < 20 else { return false }
            for _ in 0..<power {
                let (product, overflow) = magnitude.multipliedReportingOverflow(by: 10)
                guard !overflow else { return false }
                magnitude = product
            }
            return true
        }
    }
}
