/// `numeric_send`'s format: digits to the base of 10,000, weight of the first, sign, digits after the point.
struct NumericCell {
    private let digits: [Int16]
    private let weight: Int
    private let sign: UInt16
    private let scale: Int

    private static let negative: UInt16 = 0x4000
    private static let notANumber: UInt16 = 0xC000
    private static let infinity: UInt16 = 0xD000
    private static let negativeInfinity: UInt16 = 0xF000

    init(_ bytes: UnsafeRawBufferPointer) throws(CellError) {
        func half(_ index: Int) -> Int16 {
            Int16(bigEndian: bytes.loadUnaligned(fromByteOffset: 2 * index, as: Int16.self))
        }
        guard bytes.count >= 8 else { throw .value("not a numeric") }
        let count = Int(half(0))
        guard count >= 0, bytes.count == 8 + 2 * count else { throw .value("not a numeric") }
        weight = Int(half(1))
        sign = UInt16(bitPattern: half(2))
        scale = max(0, Int(half(3)))
        digits = (0..<count).map { half(4 + $0) }
        guard digits.allSatisfy({ (0...9999).contains($0) }) else { throw .value("not a numeric") }
    }

    /// As the server writes it.
    var text: String {
        switch sign {
        case NumericCell.notANumber: return "NaN"
        case NumericCell.infinity: return "Infinity"
        case NumericCell.negativeInfinity: return "-Infinity"
        default: break
        }
        var text = sign == NumericCell.negative ? "-" : ""
        if weight < 0 {
            text += "0"
        } else {
            for index in 0...weight {
                let group = String(digit(index))
                text += index == 0 ? group : NumericCell.padded(group)
            }
        }
        guard scale > 0 else { return text }
        var fraction = ""
        var index = weight + 1
        if weight < 0 {
            fraction = String(repeating: "0000", count: -weight - 1)
            index = 0
        }
        while fraction.utf8.count < scale {
            fraction += NumericCell.padded(String(digit(index)))
            index += 1
        }
        return text + "." + fraction.prefix(scale)
    }

    /// nil when it has a fraction, is not finite or does not fit.
    var wholeNumber: Int64? {
        guard sign == 0 || sign == NumericCell.negative else { return nil }
        if digits.isEmpty { return 0 }
        guard weight >= 0 else { return nil }
        for index in 0..<digits.count where index > weight && digits[index] != 0 { return nil }
        var value: Int64 = 0
        for index in 0...weight {
            let (scaled, overflowed) = value.multipliedReportingOverflow(by: 10_000)
            // Downwards, since Int64.min has no positive counterpart.
            let (sum, carried) = scaled.subtractingReportingOverflow(Int64(digit(index)))
            if overflowed || carried { return nil }
            value = sum
        }
        if sign == NumericCell.negative { return value }
        return value == .min ? nil : -value
    }

    private func digit(_ index: Int) -> Int16 { index < digits.count ? digits[index] : 0 }

    private static func padded(_ group: String) -> String {
        String(repeating: "0", count: 4 - group.utf8.count) + group
    }
}
