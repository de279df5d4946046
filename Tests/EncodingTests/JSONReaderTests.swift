import Encoding
import TestSupport
import Testing

@Suite struct JSONReaderTests {
    @Test("what RFC 8259 allows is read", arguments: [
        "[]", "{}", "null", "true", "false", "0", "-0", "\"\"", " [ ] ", "\t\r\n{ }\n", "[1]", "[1,2]", "[[]]", "[{}]",
        "{\"\":0}", "{\"a\":{\"a\":{}}}", "[0.5]", "[-1.25e-10]", "[1E5]", "[1e+5]", "[1e05]", "[123456789012345678901234567890]",
        "[0e0]", "[-0.0]", "\"\\u0041\"", "\"\\uD83D\\uDE00\"", "\"\\ud83d\\ude00\"", "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
        "\"é\"", "\"€\"", "\"😀\"", "\"\u{7F}\"", "\"\u{2028}\u{2029}\"", "\"\\u0000\"", "\"\u{10FFFF}\"", "\"\u{FFFF}\"",
        "\"\u{FEFF}\"", "[1 , 2]", "{\"a\" : 1}", "{\"a\":1,\"b\":2}", "[\"a\",null,true,false,1.5,{},[]]",
        "{\"\\u0061\":1,\"b\":2}", "\"eight888\"", "\"seven77\\n\"", "\"0123456789abcdef\\u0041x\"", "1e400", "-1",
    ])
    func accepted(text: String) throws {
        let value = try JSONReader.parse(text)
        #expect(try JSONReader.parse(value.bytes) == value)
    }

    @Test("what RFC 8259 does not allow is refused with its kind", arguments: [
        ("", .unexpectedEnd), (" ", .unexpectedEnd), ("[", .unexpectedEnd), ("{", .unexpectedEnd), ("\"", .unexpectedEnd),
        ("[1", .unexpectedEnd), ("[1,", .unexpectedEnd), ("{\"a\"", .unexpectedEnd), ("{\"a\":", .unexpectedEnd),
        ("{\"a\":1", .unexpectedEnd), ("{\"a\":1,", .unexpectedEnd), ("\"\\", .unexpectedEnd), ("\"\\u00", .unexpectedEnd),
        ("tru", .unexpectedEnd), ("-", .unexpectedEnd), ("1.", .unexpectedEnd), ("1e", .unexpectedEnd), ("1e+", .unexpectedEnd),
        ("]", .unexpectedCharacter), ("}", .unexpectedCharacter), (",", .unexpectedCharacter), (":", .unexpectedCharacter),
        ("[1,]", .unexpectedCharacter), ("[,1]", .unexpectedCharacter), ("[1,,2]", .unexpectedCharacter),
        ("[1 2]", .unexpectedCharacter), ("[1}", .unexpectedCharacter), ("{]", .unexpectedCharacter),
        ("{\"a\":1,}", .unexpectedCharacter), ("{,}", .unexpectedCharacter), ("{\"a\" 1}", .unexpectedCharacter),
        ("{\"a\"::1}", .unexpectedCharacter), ("{a:1}", .unexpectedCharacter), ("{'a':1}", .unexpectedCharacter),
        ("{1:1}", .unexpectedCharacter), ("{\"a\":1 \"b\":2}", .unexpectedCharacter), ("{null:1}", .unexpectedCharacter),
        ("[\"a\":1]", .unexpectedCharacter), ("True", .unexpectedCharacter), ("nul1", .unexpectedCharacter),
        ("NaN", .unexpectedCharacter), ("[Infinity]", .unexpectedCharacter), ("+1", .unexpectedCharacter),
        (".5", .unexpectedCharacter), ("[1]//x", .trailingBytes), ("/**/1", .unexpectedCharacter),
        ("\u{0B}1", .unexpectedCharacter), ("\u{A0}1", .unexpectedCharacter), ("[\u{2060}]", .unexpectedCharacter),
        ("\u{0}", .unexpectedCharacter), ("\\u0031", .unexpectedCharacter),
        ("01", .invalidNumber), ("-01", .invalidNumber), ("00", .invalidNumber), ("1.x", .invalidNumber),
        ("-x", .invalidNumber), ("1.e1", .invalidNumber), ("1ex", .invalidNumber), ("1e+x", .invalidNumber),
        ("-.5", .invalidNumber), ("--1", .invalidNumber), ("[1.]", .invalidNumber),
        ("0x1", .trailingBytes), ("1_000", .trailingBytes), ("1 2", .trailingBytes), ("{}{}", .trailingBytes),
        ("[]]", .trailingBytes), ("\"a\"x", .trailingBytes), ("nullx", .trailingBytes), ("null\u{0}", .trailingBytes),
        ("1a", .trailingBytes), ("\"\"\"", .trailingBytes),
        ("\"\n\"", .controlCharacter), ("\"a\tb\"", .controlCharacter), ("\"\u{0}\"", .controlCharacter),
        ("\"0123456\u{1F}\"", .controlCharacter), ("{\"\n\":1}", .controlCharacter),
        ("\"\\x41\"", .invalidEscape), ("\"\\a\"", .invalidEscape), ("\"\\'\"", .invalidEscape), ("\"\\u00G0\"", .invalidEscape),
        ("\"\\u 041\"", .invalidEscape), ("\"\\U0041\"", .invalidEscape), ("\"\\\n\"", .invalidEscape),
        ("\"\\é\"", .invalidEscape), ("\"\\u+041\"", .invalidEscape),
        ("\"\\ud800\"", .loneSurrogate), ("\"\\udc00\"", .loneSurrogate), ("\"\\ud800x\"", .loneSurrogate),
        ("\"\\ud800\\n\"", .loneSurrogate), ("\"\\ud800\\ud800\"", .loneSurrogate), ("\"\\ud83d\\u0041\"", .loneSurrogate),
        ("\"\\udfff\\ud800\"", .loneSurrogate), ("{\"\\udead\":1}", .loneSurrogate),
        ("\u{FEFF}[]", .byteOrderMark), ("\u{FEFF}", .byteOrderMark),
        ("{\"a\":1,\"a\":1}", .duplicateKey), ("{\"a\":1,\"\\u0061\":2}", .duplicateKey), ("{\"\":1,\"\":2}", .duplicateKey),
    ] as [(String, JSONError.Kind)])
    func refused(text: String, kind: JSONError.Kind) {
        #expect(kindOf([UInt8](text.utf8)) == kind)
    }

    @Test("bytes that are no UTF-8 are refused wherever they stand in a string", arguments: [
        [0x80], [0xBF], [0xC0, 0x80], [0xC1, 0xBF], [0xC3], [0xC3, 0x28], [0xE0, 0x80, 0x80], [0xE0, 0x9F, 0xBF], [0xE2, 0x82],
        [0xE2, 0x28, 0xA1], [0xED, 0xA0, 0x80], [0xED, 0xBF, 0xBF], [0xF0, 0x80, 0x80, 0x80], [0xF0, 0x8F, 0xBF, 0xBF],
        [0xF0, 0x9F, 0x98], [0xF4, 0x90, 0x80, 0x80], [0xF5, 0x80, 0x80, 0x80], [0xF8, 0x88, 0x80, 0x80, 0x80], [0xFE], [0xFF],
    ] as [[UInt8]])
    func malformedUTF8(bytes: [UInt8]) {
        for prefix in 0..<10 {
            let text = [0x22] + [UInt8](repeating: 0x61, count: prefix) + bytes + [0x22]
            #expect(kindOf(text) == .invalidUTF8, "prefix \(prefix)")
            #expect(kindOf([0x7B] + text + Array(":1}".utf8)) == .invalidUTF8, "key, prefix \(prefix)")
            #expect(kindOf([0x22, 0x5C, 0x6E] + text.dropFirst()) == .invalidUTF8, "after an escape, prefix \(prefix)")
        }
        #expect(kindOf(bytes) == .unexpectedCharacter)
    }

    @Test("keys are told apart by bytes, not by canonical equivalence")
    func canonicalEquivalence() throws {
        let value = try JSONReader.parse("{\"\u{E9}\":1,\"e\u{301}\":2}")
        #expect(value["\u{E9}"]?.int == 1)
        #expect(value["e\u{301}"]?.int == 2)
        #expect(JSONValue.string("\u{E9}") != .string("e\u{301}"))
    }

    @Test("an error names line, column, byte and value", arguments: [
        ("{\n  \"é\": [1, 2,\n   x]\n}", 3, 4, 20, "/é/2"), ("[\r\n1,\r2,\n!]", 4, 1, 9, "/2"), ("{\"a/b~c\":{\"d\":tru}}", 1, 18, 17, "/a~1b~0c/d"),
        ("[1] x", 1, 5, 4, ""), ("{\"a\":1,\n\"a\":2}", 2, 1, 8, "/a"), ("", 1, 1, 0, ""), ("[[],[[]", 1, 8, 7, "/1"),
        ("\"a\\ud800b\"", 1, 3, 2, ""), ("{\"k\":01}", 1, 7, 6, "/k"),
    ])
    func places(text: String, line: Int, column: Int, offset: Int, pointer: String) throws {
        let error = try #require(throws: JSONError.self) { _ = try JSONReader.parse(text) }
        #expect(error.line == line)
        #expect(error.column == column)
        #expect(error.offset == offset)
        #expect(error.pointer == pointer)
    }

    @Test("nesting is read up to the limit and refused past it", arguments: [1, 2, 63, 64, 512])
    func depth(limit: Int) throws {
        let limits = JSONLimits(depthMax: limit)
        func nested(_ open: String, _ close: String, _ count: Int) -> String {
            String(repeating: open, count: count) + "1" + String(repeating: close, count: count)
        }
        _ = try JSONReader.parse(nested("[", "]", limit), limits: limits)
        _ = try JSONReader.parse(nested("{\"a\":", "}", limit), limits: limits)
        #expect(kindOf([UInt8](nested("[", "]", limit + 1).utf8), limits) == .depthLimit)
        #expect(kindOf([UInt8](nested("{\"a\":", "}", limit + 1).utf8), limits) == .depthLimit)
    }

    @Test("a hundred thousand open brackets end at the limit, whatever limit is asked for")
    func manyBrackets() {
        let limits = JSONLimits(depthMax: .max)
        #expect(limits.depthMax == JSONLimits.depthCeiling)
        #expect(kindOf([UInt8](repeating: UInt8(ascii: "["), count: 100_000), limits) == .depthLimit)
    }

    @Test("a text of the byte limit is read, one byte more is refused")
    func byteLimit() throws {
        _ = try JSONReader.parse("[1,2]", limits: JSONLimits(bytesMax: 5))
        let error = try #require(throws: JSONError.self) { _ = try JSONReader.parse("[1,2] ", limits: JSONLimits(bytesMax: 5)) }
        #expect(error.kind == .byteLimit)
        #expect(error.offset == 5)
    }

    @Test("a text cut at any byte is refused, never taken for something else")
    func truncation() throws {
        let text = #"{"a":[1,-2.5e3,"x\n\ud83d\ude00é€😀"],"b":{"c":null,"d":true,"e":false},"long text of a key":"0123456789"}"#
        let bytes = [UInt8](text.utf8)
        _ = try JSONReader.parse(bytes)
        for count in 0..<bytes.count { #expect(kindOf([UInt8](bytes.prefix(count))) != nil, "first \(count) bytes") }
    }

    @Test("duplicate keys are found in long objects too, and every key is found again")
    func longObjects() throws {
        let members = (0..<2000).map { "\"key\($0)\":\($0)" }
        let object = try #require(try JSONReader.parse("{\(members.joined(separator: ","))}").object)
        for index in 0..<2000 { #expect(object["key\(index)"]?.int == index) }
        #expect(object["key2000"] == nil)
        let error = try #require(throws: JSONError.self) {
            _ = try JSONReader.parse("{\(members.joined(separator: ",")),\"key77\":0}")
        }
        #expect(error.kind == .duplicateKey)
        #expect(error.pointer == "/key77")
    }

    @Test("the pointer of an error stays short and never holds a value")
    func longKeys() throws {
        let key = String(repeating: "k", count: 5000)
        let error = try #require(throws: JSONError.self) { _ = try JSONReader.parse("{\"\(key)\":[\"secret\",x]}") }
        #expect(error.pointer.utf8.count < 300)
        #expect(!error.description.contains("secret"))
    }

    @Test("random trees are written and read back as they were", arguments: 0..<200 as Range<UInt64>)
    func roundTrip(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let value = JSONValue.arbitrary(depth: 4, using: &random)
        #expect(try JSONReader.parse(value.bytes) == value, "seed \(seed)")
    }

    @Test("changed bytes are read or refused, nothing else", arguments: 0..<200 as Range<UInt64>)
    func mutations(seed: UInt64) {
        var random = SeededRandom(seed)
        var bytes = JSONValue.arbitrary(depth: 3, using: &random).bytes
        for _ in 0..<20 {
            guard let index = bytes.indices.randomElement(using: &random) else { return }
            bytes[index] = UInt8.random(in: 0...255, using: &random)
            if let value = try? JSONReader.parse(bytes) {
                #expect((try? JSONReader.parse(value.bytes)) == value, "seed \(seed)")
            }
        }
    }

    private func kindOf(_ bytes: [UInt8], _ limits: JSONLimits = .standard) -> JSONError.Kind? {
        do throws(JSONError) {
            _ = try JSONReader.parse(bytes, limits: limits)
            return nil
        } catch {
            return error.kind
        }
    }
}

extension JSONValue {
    static func arbitrary(depth: Int, using random: inout SeededRandom) -> JSONValue {
        switch Int.random(in: 0...(depth > 0 ? 8 : 5), using: &random) {
        case 0: return .null
        case 1: return .bool(Bool.random(using: &random))
        case 2: return .number(JSONNumber(Int64.random(in: .min ... .max, using: &random)))
        case 3: return JSONNumber(Double(bitPattern: random.next())).map { .number($0) } ?? .null
        case 4, 5: return .string(random.text(upTo: 40))
        case 6:
            return .array((0..<Int.random(in: 0...5, using: &random)).map { _ in arbitrary(depth: depth - 1, using: &random) })
        default:
            var object = JSONObject()
            for _ in 0..<Int.random(in: 0...20, using: &random) {
                object[random.text(upTo: 6)] = arbitrary(depth: depth - 1, using: &random)
            }
            return .object(object)
        }
    }
}
