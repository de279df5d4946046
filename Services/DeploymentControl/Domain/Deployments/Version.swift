/// `^[0-9]+\.[0-9]+\.[0-9]+(-[A-Za-z0-9.-]+)?$` over the whole text, at most 128 characters. It can hold no slash: as a
/// path component it stays one.
public struct Version: Sendable, Hashable, CustomStringConvertible {
    public static let charactersMax = 128

    public let text: String

    public init?(_ text: String) {
        var rest = text.utf8[...]
        guard rest.count <= Self.charactersMax else { return nil }
        for place in 0..<3 {
            if place > 0 {
                guard rest.popFirst() == UInt8(ascii: ".") else { return nil }
            }
            guard let first = rest.popFirst(), Self.isDigit(first) else { return nil }
            while let next = rest.first, Self.isDigit(next) { rest.removeFirst() }
        }
        if !rest.isEmpty {
            guard rest.popFirst() == UInt8(ascii: "-"), !rest.isEmpty, rest.allSatisfy(Self.isSuffix) else { return nil }
        }
        self.text = text
    }

    public var description: String { text }

    private static func isDigit(_ byte: UInt8) -> Bool { (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(byte) }

    private static func isSuffix(_ byte: UInt8) -> Bool {
        let lower = byte | 0x20
        return isDigit(byte) || (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(lower) || byte == UInt8(ascii: ".")
            || byte == UInt8(ascii: "-")
    }
}

/// The order of semantic versioning (2.0.0 §11): numbers by value, a version with a suffix before the one without. Suffixes
/// that semantic versioning would not allow (empty parts) are compared as texts.
extension Version: Comparable {
    public static func < (left: Version, right: Version) -> Bool {
        let (leftCore, leftSuffix) = left.parts
        let (rightCore, rightSuffix) = right.parts
        for (a, b) in zip(leftCore, rightCore) where !sameNumber(a, b) { return smallerNumber(a, b) }
        switch (leftSuffix, rightSuffix) {
        case (nil, nil): return false
        case (nil, _): return false
        case (_, nil): return true
        case (let a?, let b?): return precedes(a, b)
        }
    }

    private var parts: (core: [Substring], suffix: Substring?) {
        let pieces = text.split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
        return (pieces[0].split(separator: "."), pieces.count > 1 ? pieces[1] : nil)
    }

    private static func precedes(_ left: Substring, _ right: Substring) -> Bool {
        let left = left.split(separator: ".", omittingEmptySubsequences: false)
        let right = right.split(separator: ".", omittingEmptySubsequences: false)
        for (a, b) in zip(left, right) where a != b {
            switch (isNumber(a), isNumber(b)) {
            case (true, true) where !sameNumber(a, b): return smallerNumber(a, b)
            case (true, false): return true
            case (false, true): return false
            default: return a < b
            }
        }
        return left.count < right.count
    }

    private static func isNumber(_ text: Substring) -> Bool { !text.isEmpty && text.utf8.allSatisfy(isDigit) }

    private static func significant(_ digits: Substring) -> Substring { digits.drop { $0 == "0" } }

    private static func sameNumber(_ a: Substring, _ b: Substring) -> Bool { significant(a) == significant(b) }

    /// By value, without a limit on the number of digits.
    private static func smallerNumber(_ a: Substring, _ b: Substring) -> Bool {
        let (a, b) = (significant(a), significant(b))
        return a.utf8.count == b.utf8.count ? a < b : a.utf8.count < b.utf8.count
    }
}
