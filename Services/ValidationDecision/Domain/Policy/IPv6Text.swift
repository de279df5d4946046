/// Reads the text form of an IPv6 address (RFC 4291 §2.2) as far as telling the special ones apart needs.
enum IPv6Text {
    enum Kind {
        /// `::` in any spelling, and the IPv4-mapped zero `::ffff:0.0.0.0`.
        case zero
        /// `::1` in any spelling.
        case loopback
        case other
    }

    /// Nil where the text is no IPv6 address. Without brackets and zone.
    static func kind(of text: ArraySlice<UInt8>) -> Kind? {
        guard let groups = groups(of: text) else { return nil }
        let leading = groups.prefix { $0 == 0 }.count
        if leading == 8 { return .zero }
        if leading == 7, groups[7] == 1 { return .loopback }
        if leading == 5, groups[5] == 0xFFFF, groups[6] == 0, groups[7] == 0 { return .zero }
        return .other
    }

    private static func groups(of text: ArraySlice<UInt8>) -> [UInt16]? {
        // The longest form, with a dotted quad whose parts have leading zeros, is far below this.
        guard text.count <= 64 else { return nil }
        let parts = text.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
        guard parts.count >= 3 else { return nil }
        var before: [UInt16] = []
        var after: [UInt16] = []
        var isCompressed = false
        var index = 0
        while index < parts.count {
            let part = parts[index]
            if part.isEmpty {
                // An empty part is the `::`; at either end it shows as two empty parts.
                let isStart = index == 0
                if isStart {
                    guard parts[1].isEmpty else { return nil }
                    index += 1
                }
                guard !isCompressed else { return nil }
                isCompressed = true
                guard index < parts.count - 1 else { return nil }
                if index == parts.count - 2, parts[index + 1].isEmpty { index += 1 }
            } else {
                guard let numbers = numbers(of: part, isLast: index == parts.count - 1) else { return nil }
                if isCompressed { after += numbers } else { before += numbers }
                guard before.count + after.count <= 8 else { return nil }
            }
            index += 1
        }
        let missing = 8 - before.count - after.count
        guard isCompressed || missing == 0 else { return nil }
        return before + [UInt16](repeating: 0, count: missing) + after
    }

    /// One group of hexadecimal digits, or two from a dotted quad at the end.
    private static func numbers(of part: ArraySlice<UInt8>, isLast: Bool) -> [UInt16]? {
        if isLast, part.contains(UInt8(ascii: ".")) {
            let quad = part.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
            guard quad.count == 4 else { return nil }
            var bytes: [UInt16] = []
            for text in quad {
                guard let byte = number(text, radix: 10, digitsMax: 8), byte <= 255 else { return nil }
                bytes.append(byte)
            }
            return [bytes[0] << 8 | bytes[1], bytes[2] << 8 | bytes[3]]
        }
        // More digits than four are no address for strict readers; lenient ones take leading zeros.
        return number(part, radix: 16, digitsMax: 8).map { [$0] }
    }

    private static func number(_ text: ArraySlice<UInt8>, radix: UInt32, digitsMax: Int) -> UInt16? {
        guard (1...digitsMax).contains(text.count) else { return nil }
        var value: UInt32 = 0
        for byte in text {
            let digit: UInt32
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): digit = UInt32(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): digit = UInt32(byte - UInt8(ascii: "a")) + 10
            case UInt8(ascii: "A")...UInt8(ascii: "F"): digit = UInt32(byte - UInt8(ascii: "A")) + 10
            default: return nil
            }
            guard digit < radix else { return nil }
            value = value * radix + digit
            guard value <= 0xFFFF else { return nil }
        }
        return UInt16(value)
    }
}
