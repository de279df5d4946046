extension EngineText {
    /// Names whose value runs to the end of the line, blanks included, unless it is quoted.
    private static let wholeLineNames = ["authorization", "cookie"].map { Array($0.utf8) }
    /// Names whose value is one word, or quoted. A longer name that ends so is meant too: `access_token`, `client_secret`.
    private static let oneWordNames = ["token", "api_key", "apikey", "api-key", "password", "passwd", "secret", "signature"]
        .map { Array($0.utf8) }
    private static let bearer = Array("bearer".utf8)

    /// Every value that follows a name of a secret is replaced by the mark, in headers (`Name: value`), queries (`name=value`) and
    /// JSON (`"name":"value"`), whatever the case of the name.
    static func withoutSecrets(_ text: String) -> String {
        let bytes = Array(plainBlanks(text).utf8.prefix(bytesMax))
        let lower = bytes.map { (65...90).contains($0) ? $0 | 0x20 : $0 }
        var result: [UInt8] = []
        result.reserveCapacity(bytes.count)
        var index = 0
        while index < bytes.count {
            guard var value = secretValue(in: lower, at: index) else {
                result.append(bytes[index])
                index += 1
                continue
            }
            // What stands for a value may be the name of the next secret, whose value must not be left behind.
            var inner = value.lowerBound
            while inner < value.upperBound {
                if let next = secretValue(in: lower, at: inner), next.upperBound > value.upperBound {
                    value = value.lowerBound..<next.upperBound
                }
                inner += 1
            }
            result += bytes[index..<value.lowerBound]
            result += mark.utf8
            index = value.upperBound
        }
        return String(decoding: result, as: UTF8.self)
    }

    /// Line breaks of every kind become `\n`, other white space and control characters blanks.
    private static func plainBlanks(_ text: String) -> String {
        var result = String.UnicodeScalarView()
        for scalar in text.unicodeScalars.prefix(bytesMax) {
            switch scalar.value {
            case 0x0A, 0x0D, 0x85, 0x2028, 0x2029: result.append("\n")
            default:
                let isBlank = scalar.properties.isWhitespace || scalar.properties.generalCategory == .control
                result.append(isBlank ? " " : scalar)
            }
        }
        return String(result)
    }

    /// Where the value lies, if a name of a secret begins at `start`. It begins behind the name, on the next line at the latest.
    private static func secretValue(in bytes: [UInt8], at start: Int) -> Range<Int>? {
        if matches(bearer, bytes, start) {
            let value = skippingBlanks(bytes, start + bearer.count)
            return value > start + bearer.count && value < bytes.count ? value..<endOfWord(bytes, value) : nil
        }
        for name in wholeLineNames where matches(name, bytes, start) {
            guard let value = afterSeparator(bytes, start + name.count) else { continue }
            return value..<(endOfMark(bytes, value) ?? endOfQuoted(bytes, value) ?? endOfLine(bytes, value))
        }
        for name in oneWordNames where matches(name, bytes, start) {
            guard let value = afterSeparator(bytes, start + name.count) else { continue }
            return value..<(endOfQuoted(bytes, value) ?? endOfWord(bytes, value))
        }
        return nil
    }

    private static func matches(_ name: [UInt8], _ bytes: [UInt8], _ start: Int) -> Bool {
        guard bytes[start] == name[0], bytes.count - start >= name.count else { return false }
        return bytes[start..<start + name.count].elementsEqual(name)
    }

    /// The start of the value behind `"`, blanks and one `:` or `=`; nil where there is none.
    private static func afterSeparator(_ bytes: [UInt8], _ start: Int) -> Int? {
        var index = start
        while index < bytes.count, isQuote(bytes[index]) || bytes[index] == UInt8(ascii: "\\") { index += 1 }
        index = skippingBlanks(bytes, index)
        guard index < bytes.count, bytes[index] == UInt8(ascii: ":") || bytes[index] == UInt8(ascii: "=") else { return nil }
        index = skippingBlanks(bytes, index + 1)
        return index < bytes.count ? index : nil
    }

    private static func skippingBlanks(_ bytes: [UInt8], _ start: Int) -> Int {
        var index = start
        while index < bytes.count, bytes[index] <= 0x20 { index += 1 }
        return index
    }

    private static func endOfLine(_ bytes: [UInt8], _ start: Int) -> Int {
        bytes[start...].firstIndex(where: isLineBreak) ?? bytes.count
    }

    /// The end of a quoted value, quotes included (they may themselves be escaped, as in JSON inside JSON); nil where it is not quoted.
    private static func endOfQuoted(_ bytes: [UInt8], _ start: Int) -> Int? {
        let open = bytes[start] == UInt8(ascii: "\\") ? start + 1 : start
        guard open < bytes.count, isQuote(bytes[open]) else { return nil }
        var index = open + 1
        while index < bytes.count, !isLineBreak(bytes[index]) {
            if bytes[index] == bytes[open] { return index + 1 }
            if open == start, bytes[index] == UInt8(ascii: "\\") { index += 1 }
            index += 1
        }
        return min(index, bytes.count)
    }

    /// What has been taken out before is not taken for more than it is.
    private static func endOfMark(_ bytes: [UInt8], _ start: Int) -> Int? {
        let marked = Array(mark.utf8)
        return matches(marked, bytes, start) ? start + marked.count : nil
    }

    private static func endOfWord(_ bytes: [UInt8], _ start: Int) -> Int {
        if let end = endOfMark(bytes, start) { return end }
        let end = bytes[start...].firstIndex { byte in
            byte <= 0x20 || isQuote(byte) || [UInt8(ascii: "&"), UInt8(ascii: ";"), UInt8(ascii: ","), UInt8(ascii: ")"),
                UInt8(ascii: "}"), UInt8(ascii: ">")].contains(byte)
        } ?? bytes.count
        // A value that begins with such a character is taken whole, up to the next blank.
        return end > start ? end : bytes[start...].firstIndex { $0 <= 0x20 } ?? bytes.count
    }

    private static func isQuote(_ byte: UInt8) -> Bool { byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "'") }
    private static func isLineBreak(_ byte: UInt8) -> Bool { byte == 0x0A || byte == 0x0D }
}
