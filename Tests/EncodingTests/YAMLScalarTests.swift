import Encoding
import TestSupport
import Testing

@Suite struct YAMLScalarTests {
    @Test("plain scalars resolve as the core schema of YAML 1.2.2 says", arguments: [
        ("null", .null), ("Null", .null), ("NULL", .null), ("~", .null), ("nULL", .string), ("none", .string),
        ("true", .bool), ("True", .bool), ("TRUE", .bool), ("false", .bool), ("False", .bool), ("FALSE", .bool), ("tRUE", .string),
        ("yes", .string), ("no", .string), ("on", .string), ("off", .string), ("y", .string), ("Yes", .string), ("ON", .string),
        ("0", .int), ("-0", .int), ("+12", .int), ("-12", .int), ("012", .int), ("0o14", .int), ("0x1F", .int), ("0xdead", .int),
        ("99999999999999999999", .int), ("0o8", .string), ("0xg", .string), ("0o", .string), ("0x", .string), ("-0x1", .string),
        ("+0o1", .string), ("0b1", .string), ("1_000", .string), ("1:30", .string), ("190:20:30", .string), ("-", .string), ("+", .string),
        ("0X1F", .string), ("0O7", .string), ("1,000", .string),
        ("1.", .float), (".5", .float), ("-.5", .float), ("1.5", .float), ("1e5", .float), ("1E+5", .float), ("-1.5e-5", .float),
        ("1.e5", .float), ("+.5e1", .float), (".inf", .float), ("-.INF", .float), ("+.Inf", .float), (".nan", .float), (".NaN", .float),
        (".", .string), ("e5", .string), ("1e", .string), ("1e+", .string), (".e5", .string), ("-.", .string), ("-.nan", .string),
        (".iNF", .string), ("inf", .string), ("NaN", .string), ("1.2.3", .string), ("1e5.5", .string), ("1 2", .string),
        ("2026-01-18", .string), ("2026-01-18T10:30:00Z", .string), ("<<", .string), ("=", .string), ("a", .string), ("1.5x", .string),
        ("1٣", .string),
    ] as [(String, YAMLScalar.Kind)])
    func resolution(text: String, kind: YAMLScalar.Kind) throws {
        let plain = try #require(try YAMLReader.parse("[ \(text) ]".replacing("[ - ]", with: "- +")).sequence?[0].scalar)
        guard text != "-" else { return }  // a lone dash is an indicator, not a scalar
        guard !text.contains(",") else { return #expect(YAMLScalar(text, style: .plain).kind == kind) }
        #expect(plain.kind == kind)
        #expect(plain.text == text)
        #expect(plain.style == .plain)
        for quoted in ["'\(text)'", "\"\(text)\""] {
            let scalar = try #require(try YAMLReader.parse(quoted).scalar)
            #expect(scalar.kind == .string)
            #expect(scalar.text == text)
            #expect(scalar.bool == nil && scalar.int == nil && scalar.double == nil)
        }
    }

    @Test("an empty value is null, an empty quoted one is a string")
    func empty() throws {
        let node = try YAMLReader.parse("a:\nb: ''\nc: \"\"\n")
        #expect(node["a"]?.isNull == true)
        #expect(node["a"]?.text == "")
        #expect(node["b"]?.string == "")
        #expect(node["c"]?.string == "")
    }

    @Test("integers have their value, or none past 64 bits", arguments: [
        ("0", 0), ("-0", 0), ("+12", 12), ("-12", -12), ("012", 12), ("0o17", 15), ("0x1F", 31), ("9223372036854775807", .max),
        ("-9223372036854775808", .min), ("9223372036854775808", nil), ("0xFFFFFFFFFFFFFFFF", nil), ("0x7fffffffffffffff", .max),
        ("1.0", nil), ("a", nil), ("true", nil),
    ] as [(String, Int?)])
    func integers(text: String, value: Int?) {
        #expect(YAMLScalar(text, style: .plain).int == value)
    }

    @Test("numbers have their double", arguments: [
        ("1", 1), ("1.", 1), (".5", 0.5), ("-.5", -0.5), ("+.5e1", 5), ("1.e2", 100), ("1e5", 100_000), ("-1.5E-1", -0.15), ("0x10", 16),
        (".inf", .infinity), ("-.INF", -.infinity), ("+.Inf", .infinity), ("1e999", .infinity), ("0xFFFFFFFFFFFFFFFF", 18446744073709551616),
        ("18446744073709551616", 18446744073709551616), ("010", 10), ("a", nil), ("null", nil), ("true", nil),
    ] as [(String, Double?)])
    func doubles(text: String, value: Double?) {
        #expect(YAMLScalar(text, style: .plain).double == value)
    }

    @Test("not-a-number is a double that equals nothing")
    func notANumber() {
        #expect(YAMLScalar(".NaN", style: .plain).double?.isNaN == true)
    }

    @Test("booleans have their value")
    func booleans() {
        #expect(["true", "True", "TRUE"].allSatisfy { YAMLScalar($0, style: .plain).bool == true })
        #expect(["false", "False", "FALSE"].allSatisfy { YAMLScalar($0, style: .plain).bool == false })
        #expect(YAMLScalar("yes", style: .plain).bool == nil)
    }

    @Test("block scalars are strings, whatever they hold", arguments: ["|-\n true", ">-\n 5", "|-\n ~"])
    func blocks(text: String) throws {
        #expect(try YAMLReader.parse(text).scalar?.kind == .string)
    }

    @Test("layout and quotes that YAML ignores change no content")
    func sameContent() throws {
        let block = try YAMLReader.parse("a: 1\nb:\n  - x\n  - 'y'\nc:\n")
        let flow = try YAMLReader.parse("# c\n{c: ~, 'b': [\"x\", y], a: 1}")
        #expect(block.hasSameContent(as: flow))
        #expect(try !block.hasSameContent(as: YAMLReader.parse("{c: ~, b: [y, x], a: 1}")))
        #expect(try !block.hasSameContent(as: YAMLReader.parse("{c: ~, b: [x, y], a: '1'}")))
        #expect(try !block.hasSameContent(as: YAMLReader.parse("{c: ~, b: [x, y]}")))
    }

    @Test("JSON with ordinary strings reads the same as YAML", arguments: 0..<50 as Range<UInt64>)
    func jsonAsYAML(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let value = JSONValue.arbitrary(depth: 3, using: &random)
        guard let node = try? YAMLReader.parse(value.bytes) else { return }  // U+0085, U+2028 and the like are refused
        #expect(same(value, node), "seed \(seed)")
    }

    private func same(_ json: JSONValue, _ yaml: YAMLNode) -> Bool {
        switch (json, yaml.content) {
        case (.null, .scalar(let scalar)): scalar.kind == .null
        case (.bool(let flag), .scalar(let scalar)): scalar.bool == flag
        case (.number(let number), .scalar(let scalar)): scalar.text == number.text && scalar.kind != .string
        case (.string(let text), .scalar(let scalar)): Array(scalar.text.utf8) == Array(text.utf8) && scalar.kind == .string
        case (.array(let elements), .sequence(let nodes)): elements.count == nodes.count && zip(elements, nodes).allSatisfy(same)
        case (.object(let object), .mapping(let mapping)):
            object.members.count == mapping.count
                && zip(object.members, mapping.entries).allSatisfy { $0.key == $1.key.text && same($0.value, $1.value) }
        default: false
        }
    }
}
