/// A YAML scalar: its text, and what the core schema of YAML 1.2.2 (§10.3.2) makes of it.
///
/// Only plain scalars resolve to anything but a string. `yes`, `on`, `1_000` and `1:30` are strings; `010` is ten.
public struct YAMLScalar: Sendable, Hashable {
    public enum Style: Sendable, Hashable {
        case plain, singleQuoted, doubleQuoted, literal, folded
    }

    public enum Kind: Sendable, Hashable {
        case null, bool, int, float, string

        /// For an error message.
        public var name: String {
            switch self {
            case .null: "null"
            case .bool: "a boolean"
            case .int: "an integer"
            case .float: "a number"
            case .string: "a string"
            }
        }
    }

    /// After folding and escapes, otherwise untouched: `1e5` and `0123` stay as they were written.
    public let text: String
    public let style: Style
    public let kind: Kind

    public init(_ text: String, style: Style) {
        self.text = text
        self.style = style
        kind = style == .plain ? CoreSchema.kind(of: text) : .string
    }

    public var bool: Bool? { kind == .bool ? text.utf8.first.map { $0 | 0x20 == UInt8(ascii: "t") } : nil }

    /// Nil past 64 bits.
    public var int: Int? {
        guard kind == .int else { return nil }
        if text.hasPrefix("0o") { return Int(text.dropFirst(2), radix: 8) }
        if text.hasPrefix("0x") { return Int(text.dropFirst(2), radix: 16) }
        return Int(text)
    }

    /// The nearest double of an integer or a float; infinities and not-a-number are `.inf`, `-.inf` and `.nan`.
    public var double: Double? {
        switch kind {
        case .int:
            int.map(Double.init) ?? (text.hasPrefix("0") ? CoreSchema.wide(text) : Double(text))
        case .float:
            switch text.utf8.last {
            case UInt8(ascii: "f"), UInt8(ascii: "F"): text.hasPrefix("-") ? -.infinity : .infinity
            case UInt8(ascii: "n"), UInt8(ascii: "N"): .nan
            default: Double(CoreSchema.withDigits(text))
            }
        default: nil
        }
    }
}

/// Tag resolution of plain scalars, YAML 1.2.2 §10.3.2.
enum CoreSchema {
    static func kind(of text: String) -> YAMLScalar.Kind {
        switch text {
        case "", "~", "null", "Null", "NULL": return .null
        case "true", "True", "TRUE", "false", "False", "FALSE": return .bool
        case ".nan", ".NaN", ".NAN": return .float
        case ".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF", "-.inf", "-.Inf", "-.INF": return .float
        default: break
        }
        var text = text
        return text.withUTF8 { bytes in
            guard let first = bytes.first, first < 58 else { return .string }  // digits, signs and the point come before
            return number(bytes)
        }
    }

    private static func number(_ bytes: UnsafeBufferPointer<UInt8>) -> YAMLScalar.Kind {
        func isDigit(_ index: Int) -> Bool { index < bytes.count && bytes[index] &- 48 < 10 }
        if bytes.count > 2, bytes[0] == UInt8(ascii: "0") {
            if bytes[1] == UInt8(ascii: "o") { return bytes[2...].allSatisfy { $0 &- 48 < 8 } ? .int : .string }
            if bytes[1] == UInt8(ascii: "x") { return bytes[2...].allSatisfy { Hex.value(of: $0) != nil } ? .int : .string }
        }
        var index = 0
        if bytes[0] == UInt8(ascii: "-") || bytes[0] == UInt8(ascii: "+") { index = 1 }
        let start = index
        while isDigit(index) { index += 1 }
        let whole = index - start
        if index == bytes.count { return whole > 0 ? .int : .string }
        if bytes[index] == UInt8(ascii: ".") {
            index += 1
            let point = index
            while isDigit(index) { index += 1 }
            guard whole > 0 || index > point else { return .string }
        } else if whole == 0 {
            return .string
        }
        if index < bytes.count {
            guard bytes[index] | 0x20 == UInt8(ascii: "e") else { return .string }
            index += 1
            if index < bytes.count, bytes[index] == UInt8(ascii: "-") || bytes[index] == UInt8(ascii: "+") { index += 1 }
            guard isDigit(index) else { return .string }
            while isDigit(index) { index += 1 }
        }
        return index == bytes.count ? .float : .string
    }

    /// `.5` and `1.` in the shape that Swift reads.
    static func withDigits(_ text: String) -> String {
        var result = ""
        var previous: Character?
        for character in text {
            if character == ".", previous?.isNumber != true { result += "0" }
            if previous == ".", !character.isNumber { result += "0" }
            result.append(character)
            previous = character
        }
        return previous == "." ? result + "0" : result
    }

    /// An octal or hexadecimal (or zero-led decimal) integer past 64 bits.
    static func wide(_ text: String) -> Double? {
        guard text.hasPrefix("0o") || text.hasPrefix("0x") else { return Double(text) }
        let radix: Double = text.hasPrefix("0o") ? 8 : 16
        return text.utf8.dropFirst(2).reduce(0.0) { $0 * radix + Double(Hex.value(of: $1) ?? 0) }
    }
}

extension YAMLScalar {
    /// Equal for keys that mean the same: `1`, `+1` and `0x1`; `~` and `null`; `true` and `True`.
    enum Meaning: Hashable {
        case null
        case bool(Bool)
        case int(Int)
        /// Past 64 bits: sign, digits without leading zeros.
        case wideInt(String)
        case float(UInt64)
        case string(ExactKey)
    }

    var meaning: Meaning {
        switch kind {
        case .null: return .null
        case .bool: return .bool(bool == true)
        case .int:
            if let int { return .int(int) }
            let isNegative = text.hasPrefix("-")
            let radix = text.hasPrefix("0x") || text.hasPrefix("0o") ? String(text.prefix(2)) : ""
            let digits = text.dropFirst(radix.isEmpty ? 0 : 2).drop { $0 == "+" || $0 == "-" }.drop { $0 == "0" }
            return .wideInt((isNegative ? "-" : "") + radix + digits.lowercased())
        case .float:
            let value = double ?? .nan
            return .float(value.isNaN ? Double.nan.bitPattern : value == 0 ? 0 : value.bitPattern)
        case .string: return .string(ExactKey(text: text))
        }
    }
}
