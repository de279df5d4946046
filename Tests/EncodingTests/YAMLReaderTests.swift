import Encoding
import Testing

@Suite struct YAMLReaderTests {
    @Test("a document of every shape is read")
    func shapes() throws {
        let node = try YAMLReader.parse(
            """
            # comment
            name: app            # plain
            tls:
              enabled: true
              files: [a.pem, "b.pem", 'it''s']
            ports:
            - 80
            - {port: 443, name: https}
            literal: |
              line 1
              line 2
            folded: >-
              one
              text
            empty:
            ? explicit
            : value
            """)
        #expect(node["name"]?.string == "app")
        #expect(node["tls"]?["enabled"]?.bool == true)
        #expect(node["tls"]?["files"]?.sequence?.map(\.string) == ["a.pem", "b.pem", "it's"])
        #expect(node["ports"]?.sequence?[0].int == 80)
        #expect(node["ports"]?.sequence?[1]["port"]?.int == 443)
        #expect(node["literal"]?.string == "line 1\nline 2\n")
        #expect(node["literal"]?.scalar?.style == .literal)
        #expect(node["folded"]?.string == "one text")
        #expect(node["empty"]?.isNull == true)
        #expect(node["explicit"]?.string == "value")
        #expect(node["missing"] == nil)
        #expect(node.mapping?.entries.map(\.key.text) == [
            "name", "tls", "ports", "literal", "folded", "empty", "explicit",
        ])
    }

    @Test("every node knows its line and column, from 1, in characters")
    func positions() throws {
        let node = try YAMLReader.parse("a: 1\r\n\"é\": [x,\r\n   y]\rb: {k: v}\n")
        let entries = try #require(node.mapping?.entries)
        #expect(node.position == YAMLPosition(line: 1, column: 1))
        #expect(entries[0].value.position == YAMLPosition(line: 1, column: 4))
        #expect(entries[1].keyPosition == YAMLPosition(line: 2, column: 1))
        #expect(entries[1].value.position == YAMLPosition(line: 2, column: 6))
        #expect(entries[1].value.sequence?[1].position == YAMLPosition(line: 3, column: 4))
        #expect(entries[2].value["k"]?.position == YAMLPosition(line: 4, column: 8))
    }

    @Test("a byte order mark is skipped and moves nothing")
    func byteOrderMark() throws {
        let node = try YAMLReader.parse("\u{FEFF}a: b")
        #expect(node["a"]?.string == "b")
        #expect(node["a"]?.position == YAMLPosition(line: 1, column: 4))
    }

    @Test("document marks and a version of YAML 1 are accepted", arguments: [
        "--- 1", "---\n1\n...\n", "%YAML 1.2\n---\n1", "%YAML 1.1\n---\n1", "1\n...", "1\n...\n# end\n", "--- 1 # x",
    ])
    func marks(text: String) throws {
        #expect(try YAMLReader.parse(text).int == 1)
    }

    @Test("what could be read in two ways is refused with its kind", arguments: [
        ("", .noDocument), (" \n\n", .noDocument), ("# only a comment\n", .noDocument), ("...", .syntax),
        ("a\n---\nb", .multipleDocuments), ("--- a\n--- b", .multipleDocuments), ("a: 1\n...\n---\n", .multipleDocuments),
        ("a: 1\na: 2", .duplicateKey), ("{a: 1, a: 2}", .duplicateKey), ("a: 1\n\"a\": 2", .duplicateKey),
        ("1: a\n0x1: b", .duplicateKey), ("1: a\n+1: b", .duplicateKey), ("1: a\n'1': b", .duplicateKey),
        ("true: a\nTrue: b", .duplicateKey), ("~: a\nnull: b", .duplicateKey), ("? \n: a\n~: b", .duplicateKey),
        ("1.0: a\n1.00: b", .duplicateKey), ("0.0: a\n-0.0: b", .duplicateKey), (".nan: a\n.NaN: b", .duplicateKey),
        ("99999999999999999999: a\n+099999999999999999999: b", .duplicateKey), ("&a x: 1\n*a : 2", .duplicateKey),
        ("? [a]\n: b", .complexKey), ("? {a: b}\n: c", .complexKey), ("{[a]: b}", .complexKey), ("x: &a [1]\n*a : 2", .complexKey),
        ("<<: {a: 1}", .mergeKey), ("x: &a {k: v}\ny:\n  <<: *a", .mergeKey), ("&m <<: 1", .mergeKey),
        ("!!str a", .tag), ("! a", .tag), ("! 'a'", .tag), ("!local a", .tag), ("a: ! true", .tag), ("a: &x ! true", .tag),
        ("a: &x\n  # note !\n  ! true", .tag), ("! [a]", .tag), ("! {a: b}", .tag), ("!!set {a}", .tag), ("!<tag:x> a", .tag),
        ("é: ! é", .tag), ("%TAG !e! tag:x,2000:\n---\na", .tag), ("!e!x a", .tag), ("a: !!binary AAAA", .tag), ("!", .tag),
        ("%YAML 2.0\n---\na", .unsupportedVersion), ("%YAML 1.3\n---\na", .unsupportedVersion),
        ("*a", .unknownAlias), ("a: *b\nb: &b 1", .unknownAlias), ("&a [*a]", .recursiveAlias), ("&a {k: {l: *a}}", .recursiveAlias),
        ("a: b\u{0}", .nulByte), ("\u{0}", .nulByte), ("a: \u{1}", .forbiddenCharacter), ("a: \u{7F}", .forbiddenCharacter),
        ("a: \u{80}", .forbiddenCharacter), ("# x\u{85}a: b", .forbiddenCharacter), ("# x\u{2028}a: b", .forbiddenCharacter),
        ("a: \u{2029}", .forbiddenCharacter), ("a: \u{FEFF}", .forbiddenCharacter), ("a: \u{FFFE}", .forbiddenCharacter),
        ("\u{1B}[0m", .forbiddenCharacter),
        ("[", .syntax), ("]", .syntax), ("{a", .syntax), ("a: b: c", .syntax), ("a:\n\t- b", .syntax), ("\"a", .syntax), ("'a", .syntax),
        ("- a\nb: c", .syntax), ("a: 1\n b: 2", .syntax), ("@a", .syntax), ("`a", .syntax), ("%a", .syntax), ("\"\\q\"", .syntax),
        ("\"\\ud800\"", .syntax), ("a: |x\n b", .syntax), ("&a &b c", .syntax), ("&a *b", .syntax), ("%YAML 1.2\n%YAML 1.2\n---\na", .syntax),
    ] as [(String, YAMLError.Kind)])
    func refused(text: String, kind: YAMLError.Kind) throws {
        let error = try #require(throws: YAMLError.self) { _ = try YAMLReader.parse(text) }
        #expect(error.kind == kind, "\(error)")
    }

    @Test("what only looks like a tag or a merge is read")
    func lookalikes() throws {
        #expect(try YAMLReader.parse("'<<': a")["<<"]?.string == "a")
        #expect(try YAMLReader.parse("[<<]").sequence?[0].string == "<<")
        #expect(try YAMLReader.parse("a: '! b'")["a"]?.string == "! b")
        #expect(try YAMLReader.parse("[&a,\"x !y\"]").sequence?[1].string == "x !y")
        #expect(try YAMLReader.parse("&a x!y: \"!\"")["x!y"]?.string == "!")
        #expect(try YAMLReader.parse("a: &x\nb: c!")["b"]?.string == "c!")
        #expect(try YAMLReader.parse("1: a\n1.0: b").mapping?.count == 2)
    }

    @Test("any number of tag directives is refused, wherever they stand", arguments: [1, 2, 16, 17, 20_000])
    func tagDirectives(count: Int) throws {
        let lines = (0..<count).map { "%TAG !a\($0)! tag:x,2000:\n" }.joined()
        for text in [lines + "---\na", "\u{FEFF}" + lines + "---\na", "[a]\n" + lines + "---\nb", "a\n...\n" + lines + "---\nb"] {
            let error = try #require(throws: YAMLError.self) { _ = try YAMLReader.parse(text) }
            #expect([.tag, .multipleDocuments].contains(error.kind), "\(error)")
        }
    }

    @Test("UTF-16 and malformed UTF-8 are refused", arguments: [
        ([0xFF, 0xFE, 0x61, 0x00], .utf16), ([0xFE, 0xFF, 0x00, 0x61], .utf16), ([0x61, 0x00, 0x3A, 0x00], .nulByte),
        ([0x61, 0x80], .invalidUTF8), ([0x61, 0xC3], .invalidUTF8), ([0xC0, 0x80], .invalidUTF8), ([0xED, 0xA0, 0x80], .invalidUTF8),
        ([0xF4, 0x90, 0x80, 0x80], .invalidUTF8), ([0x23, 0xFF], .invalidUTF8), ([0xEF, 0xBB], .invalidUTF8),
    ] as [([UInt8], YAMLError.Kind)])
    func encodings(bytes: [UInt8], kind: YAMLError.Kind) throws {
        let error = try #require(throws: YAMLError.self) { _ = try YAMLReader.parse(bytes) }
        #expect(error.kind == kind)
    }

    @Test("an error names its place", arguments: [
        ("a: 1\nb: 2\na: 3", 3, 1), ("é: 1\nx: \u{0}", 2, 4), ("a: [1,\n  *b]", 2, 3), ("a: 1\nb: !x 2", 2, 4), ("a: b: c", 1, 5),
    ])
    func places(text: String, line: Int, column: Int) throws {
        let error = try #require(throws: YAMLError.self) { _ = try YAMLReader.parse(text) }
        #expect(error.position == YAMLPosition(line: line, column: column), "\(error)")
    }

    @Test("a document cut at any byte is read or refused, and so is one with a byte changed")
    func truncation() {
        let text = [UInt8](
            "%YAML 1.2\n---\na: &x [1, 'two', \"th\\x41\\u00e9\"]\nb: {k: *x, é: ~}\nc: |+\n  text\n\nd: >2-\n    x\n? e\n: - f\n...\n"
                .utf8)
        #expect(throws: Never.self) { _ = try YAMLReader.parse(text) }
        for count in 0...text.count { _ = try? YAMLReader.parse([UInt8](text.prefix(count))) }
        for index in text.indices {
            for byte: UInt8 in [0, 9, 10, 13, 0x21, 0x22, 0x26, 0x2A, 0x2D, 0x3A, 0x5B, 0x7B, 0x80, 0xFF] {
                var changed = text
                changed[index] = byte
                _ = try? YAMLReader.parse(changed)
            }
        }
    }
}
