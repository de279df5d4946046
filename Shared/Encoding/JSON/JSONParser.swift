/// One pass over the bytes. Recursive, as deep as `depthMax`.
struct JSONParser {
    /// What went wrong, before line, column and pointer are worked out.
    struct Failure: Error {
        let kind: JSONError.Kind
        let offset: Int
    }

    let base: UnsafePointer<UInt8>
    let count: Int
    let depthMax: Int
    private(set) var index = 0
    /// Innermost first; filled while a failure travels outwards, so that success pays nothing.
    private var trail: [JSONPointer.Token] = []
    /// Reused for strings with escapes.
    private var scratch: [UInt8] = []

    init(base: UnsafePointer<UInt8>, count: Int, depthMax: Int) {
        self.base = base
        self.count = count
        self.depthMax = depthMax
    }

    mutating func run(bytesMax: Int) throws(JSONError) -> JSONValue {
        do throws(Failure) {
            guard count <= bytesMax else { throw Failure(kind: .byteLimit, offset: max(0, bytesMax)) }
            if count >= 3, base[0] == 0xEF, base[1] == 0xBB, base[2] == 0xBF { throw Failure(kind: .byteOrderMark, offset: 0) }
            let value = try value(depth: 0)
            skipSpace()
            guard index == count else { throw Failure(kind: .trailingBytes, offset: index) }
            return value
        } catch {
            throw located(error)
        }
    }

    private func located(_ failure: Failure) -> JSONError {
        var line = 1
        var column = 1
        var position = 0
        while position < min(failure.offset, count) {
            let byte = base[position]
            if byte == 10 || byte == 13 {
                if byte == 13, position + 1 < failure.offset, base[position + 1] == 10 { position += 1 }
                line += 1
                column = 1
            } else if byte & 0xC0 != 0x80 {
                column += 1
            }
            position += 1
        }
        return JSONError(
            kind: failure.kind, line: line, column: column, offset: failure.offset,
            pointer: JSONPointer.text(trail.reversed()))
    }

    private func failure(_ kind: JSONError.Kind) -> Failure { Failure(kind: kind, offset: index) }

    /// At a byte that does not belong here.
    private func unexpected() -> Failure {
        failure(index < count ? .unexpectedCharacter : .unexpectedEnd)
    }

    @inline(__always)
    private mutating func skipSpace() {
        while index < count {
            let byte = base[index]
            guard byte <= 32, byte == 32 || byte == 10 || byte == 13 || byte == 9 else { return }
            index &+= 1
        }
    }

    private mutating func value(depth: Int) throws(Failure) -> JSONValue {
        skipSpace()
        guard index < count else { throw failure(.unexpectedEnd) }
        switch base[index] {
        case UInt8(ascii: "\""):
            return .string(try string())
        case UInt8(ascii: "{"):
            guard depth < depthMax else { throw failure(.depthLimit) }
            return .object(try object(depth: depth + 1))
        case UInt8(ascii: "["):
            guard depth < depthMax else { throw failure(.depthLimit) }
            return .array(try array(depth: depth + 1))
        case UInt8(ascii: "-"), 48...57:
            return .number(try number())
        case UInt8(ascii: "t"):
            try literal("true")
            return .bool(true)
        case UInt8(ascii: "f"):
            try literal("false")
            return .bool(false)
        case UInt8(ascii: "n"):
            try literal("null")
            return .null
        default:
            throw unexpected()
        }
    }

    private mutating func literal(_ text: StaticString) throws(Failure) {
        for offset in 0..<text.utf8CodeUnitCount {
            guard index < count, base[index] == text.utf8Start[offset] else { throw unexpected() }
            index &+= 1
        }
    }

    private mutating func array(depth: Int) throws(Failure) -> [JSONValue] {
        index &+= 1
        var elements: [JSONValue] = []
        skipSpace()
        if index < count, base[index] == UInt8(ascii: "]") {
            index &+= 1
            return elements
        }
        while true {
            do {
                elements.append(try value(depth: depth))
            } catch {
                trail.append(.index(elements.count))
                throw error
            }
            skipSpace()
            guard index < count else { throw failure(.unexpectedEnd) }
            let byte = base[index]
            guard byte == UInt8(ascii: ",") || byte == UInt8(ascii: "]") else { throw unexpected() }
            index &+= 1
            if byte == UInt8(ascii: "]") { return elements }
        }
    }

    private mutating func object(depth: Int) throws(Failure) -> JSONObject {
        index &+= 1
        var object = JSONObject()
        skipSpace()
        if index < count, base[index] == UInt8(ascii: "}") {
            index &+= 1
            return object
        }
        while true {
            skipSpace()
            guard index < count, base[index] == UInt8(ascii: "\"") else { throw unexpected() }
            let keyOffset = index
            let key = try string()
            guard object.position(of: key) == nil else {
                trail.append(.key(key))
                throw Failure(kind: .duplicateKey, offset: keyOffset)
            }
            skipSpace()
            guard index < count, base[index] == UInt8(ascii: ":") else { throw unexpected() }
            index &+= 1
            do {
                object.insert(JSONObject.Member(key: key, value: try value(depth: depth)))
            } catch {
                trail.append(.key(key))
                throw error
            }
            skipSpace()
            guard index < count else { throw failure(.unexpectedEnd) }
            let byte = base[index]
            guard byte == UInt8(ascii: ",") || byte == UInt8(ascii: "}") else { throw unexpected() }
            index &+= 1
            if byte == UInt8(ascii: "}") { return object }
        }
    }

    private mutating func number() throws(Failure) -> JSONNumber {
        let start = index
        if base[index] == UInt8(ascii: "-") { index &+= 1 }
        if index < count, base[index] == UInt8(ascii: "0") {
            index &+= 1
            if index < count, base[index] &- 48 < 10 { throw failure(.invalidNumber) }
        } else {
            try digits()
        }
        if index < count, base[index] == UInt8(ascii: ".") {
            index &+= 1
            try digits()
        }
        if index < count, base[index] | 0x20 == UInt8(ascii: "e") {
            index &+= 1
            if index < count, base[index] == UInt8(ascii: "-") || base[index] == UInt8(ascii: "+") { index &+= 1 }
            try digits()
        }
        return JSONNumber(checked: text(start, index))
    }

    /// At least one digit.
    private mutating func digits() throws(Failure) {
        guard index < count else { throw failure(.unexpectedEnd) }
        guard base[index] &- 48 < 10 else { throw failure(.invalidNumber) }
        while index < count, base[index] &- 48 < 10 { index &+= 1 }
    }

    @inline(__always)
    private func text(_ start: Int, _ end: Int) -> String {
        String(decoding: UnsafeBufferPointer(start: base + start, count: end &- start), as: UTF8.self)
    }

    /// From the opening quote to past the closing one.
    private mutating func string() throws(Failure) -> String {
        index &+= 1
        let start = index
        try skipPlain()
        if base[index] == UInt8(ascii: "\"") {
            let value = text(start, index)
            index &+= 1
            return value
        }
        scratch.removeAll(keepingCapacity: true)
        var from = start
        while true {
            scratch.append(contentsOf: UnsafeBufferPointer(start: base + from, count: index &- from))
            if base[index] == UInt8(ascii: "\"") { break }
            try escape()
            from = index
            try skipPlain()
        }
        index &+= 1
        return String(decoding: scratch, as: UTF8.self)
    }

    /// Over bytes that stand for themselves, to a quote or a backslash.
    @inline(__always)
    private mutating func skipPlain() throws(Failure) {
        while index < count {
            if count &- index >= 8 {
                // Eight bytes at once: any quote, backslash, control or non-ASCII byte sets a high bit.
                let word = UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self)
                if JSONBytes.isPlain(word) {
                    index &+= 8
                    continue
                }
            }
            let byte = base[index]
            if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { return }
            if byte < 0x20 { throw failure(.controlCharacter) }
            if byte < 0x80 {
                index &+= 1
            } else {
                guard let length = UTF8Check.length(base, index, count) else { throw failure(.invalidUTF8) }
                index &+= length
            }
        }
        throw failure(.unexpectedEnd)
    }

    /// From a backslash to past its escape, into `scratch`.
    private mutating func escape() throws(Failure) {
        let start = index
        index &+= 1
        guard index < count else { throw failure(.unexpectedEnd) }
        let byte = base[index]
        index &+= 1
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): scratch.append(byte)
        case UInt8(ascii: "n"): scratch.append(10)
        case UInt8(ascii: "r"): scratch.append(13)
        case UInt8(ascii: "t"): scratch.append(9)
        case UInt8(ascii: "b"): scratch.append(8)
        case UInt8(ascii: "f"): scratch.append(12)
        case UInt8(ascii: "u"):
            var code = try fourDigits()
            if 0xD800...0xDBFF ~= code {
                guard count &- index >= 2 else {
                    throw Failure(kind: .loneSurrogate, offset: start)
                }
                guard base[index] == UInt8(ascii: "\\"), base[index &+ 1] == UInt8(ascii: "u") else {
                    throw Failure(kind: .loneSurrogate, offset: start)
                }
                index &+= 2
                let low = try fourDigits()
                guard 0xDC00...0xDFFF ~= low else { throw Failure(kind: .loneSurrogate, offset: start) }
                code = 0x10000 &+ (code &- 0xD800) << 10 &+ (low &- 0xDC00)
            }
            guard let scalar = Unicode.Scalar(code) else { throw Failure(kind: .loneSurrogate, offset: start) }
            scratch.append(contentsOf: scalar.utf8)
        default:
            throw Failure(kind: .invalidEscape, offset: start)
        }
    }

    private mutating func fourDigits() throws(Failure) -> UInt32 {
        var code: UInt32 = 0
        for _ in 0..<4 {
            guard index < count else { throw failure(.unexpectedEnd) }
            guard let digit = Hex.value(of: base[index]) else { throw failure(.invalidEscape) }
            code = code << 4 | UInt32(digit)
            index &+= 1
        }
        return code
    }
}
