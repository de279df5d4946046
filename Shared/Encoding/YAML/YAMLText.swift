/// Looks at the bytes before libyaml does.
enum YAMLText {
    /// The bytes without a UTF-8 byte order mark, when every character is one that YAML 1.1 and 1.2 agree on.
    static func check(_ bytes: UnsafeRawBufferPointer, bytesMax: Int) throws(YAMLError) -> UnsafeRawBufferPointer {
        guard bytes.count <= bytesMax else { throw YAMLError(kind: .byteLimit, position: start) }
        guard let address = bytes.baseAddress else { throw YAMLError(kind: .noDocument, position: start) }
        let base = address.assumingMemoryBound(to: UInt8.self)
        if bytes.count >= 2, (base[0] == 0xFF && base[1] == 0xFE) || (base[0] == 0xFE && base[1] == 0xFF) {
            throw YAMLError(kind: .utf16, position: start)
        }
        let hasMark = bytes.count >= 3 && base[0] == 0xEF && base[1] == 0xBB && base[2] == 0xBF
        let first = hasMark ? 3 : 0
        var index = first
        var tagLines = isTagLine(bytes, at: first) ? 1 : 0
        while index < bytes.count {
            let byte = base[index]
            if byte >= 0x20, byte < 0x7F {
                index &+= 1
                continue
            }
            if byte == 10 || byte == 13 || byte == 9 {
                index &+= 1
                guard byte != 9, isTagLine(bytes, at: index) else { continue }
                tagLines += 1
                guard tagLines <= tagLinesMax else {
                    throw YAMLError(kind: .tag, position: position(base, from: first, to: index))
                }
                continue
            }
            let place = { position(base, from: first, to: index) }
            if byte == 0 { throw YAMLError(kind: .nulByte, position: place()) }
            guard byte >= 0x80 else { throw YAMLError(kind: .forbiddenCharacter, position: place()) }
            guard let length = UTF8Check.length(base, index, bytes.count) else {
                throw YAMLError(kind: .invalidUTF8, position: place())
            }
            guard isAllowed(base + index, length) else {
                throw YAMLError(kind: .forbiddenCharacter, position: place())
            }
            index &+= length
        }
        return UnsafeRawBufferPointer(rebasing: bytes[first...])
    }

    /// libyaml compares each `%TAG` directive with all before it. A document with one is refused anyway, but only after
    /// libyaml saw them all; this many lines that look like one are its share.
    private static let tagLinesMax = 16

    private static func isTagLine(_ bytes: UnsafeRawBufferPointer, at index: Int) -> Bool {
        bytes.count - index >= 4 && bytes[index] == UInt8(ascii: "%") && bytes[index + 1] == UInt8(ascii: "T")
            && bytes[index + 2] == UInt8(ascii: "A") && bytes[index + 3] == UInt8(ascii: "G")
    }

    static let start = YAMLPosition(line: 1, column: 1)

    /// Not for: C1 controls with U+0085, U+2028, U+2029, a byte order mark inside, U+FFFE, U+FFFF.
    private static func isAllowed(_ bytes: UnsafePointer<UInt8>, _ length: Int) -> Bool {
        switch (bytes[0], bytes[1]) {
        case (0xC2, 0x80...0x9F): false
        case (0xE2, 0x80): bytes[2] != 0xA8 && bytes[2] != 0xA9
        case (0xEF, 0xBB): bytes[2] != 0xBF
        case (0xEF, 0xBF): bytes[2] != 0xBE && bytes[2] != 0xBF
        default: true
        }
    }

    private static func position(_ base: UnsafePointer<UInt8>, from first: Int, to end: Int) -> YAMLPosition {
        var line = 1
        var column = 1
        var index = first
        while index < end {
            let byte = base[index]
            if byte == 10 || byte == 13 {
                if byte == 13, index + 1 < end, base[index + 1] == 10 { index += 1 }
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
            index += 1
        }
        return YAMLPosition(line: line, column: column)
    }
}
