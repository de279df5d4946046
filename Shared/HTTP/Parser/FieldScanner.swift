/// Reads the common pieces of field values (RFC 9110 §5.6): tokens, quoted strings, parameters.
struct FieldScanner {
    private let bytes: [UInt8]
    private var index = 0

    init(_ text: String) {
        bytes = Array(text.utf8)
    }

    var isAtEnd: Bool { index == bytes.count }

    /// Moves past `byte` if it is next.
    mutating func skip(_ byte: UInt8) -> Bool {
        guard index < bytes.count, bytes[index] == byte else { return false }
        index += 1
        return true
    }

    mutating func token() -> String? {
        let start = index
        while index < bytes.count, ByteClass.isToken(bytes[index]) { index += 1 }
        return index > start ? String(decoding: bytes[start..<index], as: UTF8.self) : nil
    }

    /// A quoted string, unquoted. nil where it does not end, holds a control character, or is not UTF-8.
    mutating func quotedString() -> String? {
        guard skip(0x22) else { return nil }
        var value: [UInt8] = []
        while index < bytes.count {
            var byte = bytes[index]
            index += 1
            if byte == 0x22 { return String(validating: value, as: UTF8.self) }
            if byte == 0x5C {
                guard index < bytes.count else { return nil }
                byte = bytes[index]
                index += 1
            }
            guard byte == 0x09 || (byte >= 0x20 && byte != 0x7F) else { return nil }
            value.append(byte)
        }
        return nil
    }

    /// `*( OWS ";" OWS [ name "=" value ] )` to the end. nil where it is malformed or a name occurs twice.
    mutating func parameters() -> [MediaType.Parameter]? {
        var found: [MediaType.Parameter] = []
        skipBlanks()
        while !isAtEnd {
            guard skip(0x3B) else { return nil }
            skipBlanks()
            if isAtEnd || bytes[index] == 0x3B { continue }
            guard let name = token()?.asciiLowercased, skip(0x3D), let value = token() ?? quotedString(),
                !found.contains(where: { $0.name == name })
            else { return nil }
            found.append(.init(name: name, value: value))
            skipBlanks()
        }
        return found
    }

    private mutating func skipBlanks() {
        while index < bytes.count, ByteScan.isBlank(bytes[index]) { index += 1 }
    }
}

extension String {
    /// Lower case in the range of ASCII; other characters stay.
    var asciiLowercased: String {
        guard utf8.contains(where: { $0 &- 0x41 < 26 }) else { return self }
        return String(decoding: utf8.map(ByteClass.lowercased), as: UTF8.self)
    }
}
