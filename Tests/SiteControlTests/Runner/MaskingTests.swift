import Encoding
import TestSupport
import Testing
@testable import SiteControl

@Suite struct MaskingTests {
    static let secret = #"p4ss "wörd"\ 'x' $y"#

    @Test("a secret is masked plain, in JSON once and twice over, in quotes and in URLs")
    func forms() {
        let mask = SecretMask([Self.secret, "abc", ""])
        let value = JSONValue.string(Self.secret)
        let once = String(decoding: value.bytes, as: UTF8.self)
        let twice = String(decoding: JSONValue.string(once).bytes, as: UTF8.self)
        let forms = [
            Self.secret, once, twice, #"p4ss \"w\u00f6rd\"\\ 'x' $y"#, #"'p4ss "wörd"\ ''x'' $y'"#,
            #"'p4ss "wörd"\ '"'"'x'"'"' $y'"#, "https://u:p4ss%20%22w%C3%B6rd%22%5C%20%27x%27%20%24y@host",
        ]
        for form in forms {
            let masked = mask.mask("before \(form) after abc")
            #expect(masked.contains("********") && !masked.contains("p4ss"), "\(form) → \(masked)")
            #expect(masked.hasPrefix("before ") && masked.hasSuffix(" after abc"))
        }
    }

    @Test("a key of several lines is masked line by line, its frame stays")
    func lines() {
        let mask = SecretMask(["-----BEGIN KEY-----\nAAAABBBBCCCC\nDDDDEEEEFFFF\n-----END KEY-----\n", "dns_token = 0123456789abcdef\nx = y\n"])
        #expect(mask.mask("has DDDDEEEEFFFF in it") == "has ******** in it")
        #expect(mask.mask("-----BEGIN KEY-----") == "-----BEGIN KEY-----")
        #expect(mask.mask("token 0123456789abcdef") == "token ********")
    }

    @Test("however output is cut into reads, no line holds a secret and every line arrives", arguments: 0..<200 as Range<UInt64>)
    func cuts(seed: UInt64) {
        var random = SeededRandom(seed)
        let secret = "s3cr3t-" + String(repeating: "x", count: Int.random(in: 0...30, using: &random))
        var text = ""
        var expected = ""
        for _ in 0..<Int.random(in: 1...20, using: &random) {
            let filler = String(repeating: "ä", count: Int.random(in: 0...40, using: &random))
            text += filler + secret + filler + (Bool.random(using: &random) ? "\n" : "")
            expected += filler + "********" + filler
        }
        var assembler = LineAssembler(SecretMask([secret]), lineBytesMax: 64)
        var lines: [String] = []
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = min(Int.random(in: 1...50, using: &random), rest.count)
            lines += assembler.take(Array(rest.prefix(count)))
            rest = rest.dropFirst(count)
        }
        lines += assembler.finish()
        #expect(!lines.contains { $0.contains("s3cr3t") || $0.contains("\u{FFFD}") }, "seed \(seed)")
        #expect(lines.joined() == expected, "seed \(seed)")
    }

    @Test("a tail never begins inside a character and never exceeds its limit", arguments: 0..<50 as Range<UInt64>)
    func tail(seed: UInt64) {
        var random = SeededRandom(seed)
        var tail = OutputTail(bytesMax: 100)
        var all = ""
        for _ in 0..<Int.random(in: 0...200, using: &random) {
            let line = String((0..<Int.random(in: 0...20, using: &random)).map { _ in "aé€🎈".randomElement(using: &random) ?? "a" })
            tail.append(line: line)
            all += line + "\n"
        }
        #expect(tail.text.utf8.count <= 100 && all.hasSuffix(tail.text), "seed \(seed)")
        #expect(tail.text.utf8.count > 96 || tail.text == all, "seed \(seed)")
    }

    @Test("keys and values of events are masked, their form stays")
    func events() throws {
        let mask = SecretMask(["hunter22"])
        let event = try JSONReader.parse(#"{"hunter22":["a hunter22",{"n":1,"b":true,"x":null}]}"#)
        #expect(String(decoding: mask.mask(event).bytes, as: UTF8.self) == #"{"********":["a ********",{"n":1,"b":true,"x":null}]}"#)
    }
}
