import Encoding
import TestSupport
import Testing

@Suite struct HexTests {
    @Test("bytes are written and read back", arguments: 0..<30 as Range<UInt64>)
    func roundTrip(seed: UInt64) {
        var random = SeededRandom(seed)
        let bytes = random.bytes(Int(seed))
        #expect(Hex.decode(Hex.encode(bytes)) == bytes, "seed \(seed)")
        #expect(Hex.decode(Hex.encode(bytes).uppercased()) == bytes, "seed \(seed)")
    }

    @Test("digits are lower case, other texts are refused")
    func shapes() {
        #expect(Hex.encode([0x00, 0xAB, 0xFF]) == "00abff")
        for text in ["a", "abc", "0g", "0x", " 00", "00 ", "é", "٠٠"] { #expect(Hex.decode(text) == nil) }
    }
}

@Suite struct Base64Tests {
    @Test("the vectors of RFC 4648 §10 hold", arguments: [
        ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="), ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
    ])
    func vectors(plain: String, text: String) {
        #expect(Base64.encode(Array(plain.utf8)) == text)
        #expect(Base64.decode(text) == Array(plain.utf8))
        let unpadded = String(text.prefix { $0 != "=" })
        #expect(Base64.encode(Array(plain.utf8), .url) == unpadded)
        #expect(Base64.decode(unpadded, .url) == Array(plain.utf8))
    }

    @Test("texts that are not exactly what encoding gives are refused", arguments: [
        "Zg", "Zg=", "Zg===", "Z", "=", "==", "====", "Zm9v=", "Zm9vYg=", "Zh==", "Zm9=", "Zm 9", "Zm9v\n", "Zm-v", "Zm_v", "Z=g=", "=Zg=",
        "Zg==Zg==", "Zm9é", "\u{0}\u{0}\u{0}\u{0}",
    ])
    func refused(text: String) {
        #expect(Base64.decode(text) == nil)
    }

    @Test("the URL alphabet takes no padding and no plus or slash", arguments: ["Zg==", "Zm8=", "+w", "/w", "Zh", "Z", "Zm9"])
    func refusedURL(text: String) {
        #expect(Base64.decode(text, .url) == nil)
    }

    @Test("bytes are written and read back in both alphabets", arguments: 0..<60 as Range<UInt64>)
    func roundTrip(seed: UInt64) {
        var random = SeededRandom(seed)
        let bytes = random.bytes(Int(seed))
        #expect(Base64.decode(Base64.encode(bytes)) == bytes, "seed \(seed)")
        #expect(Base64.decode(Base64.encode(bytes, .url), .url) == bytes, "seed \(seed)")
    }

    @Test("the two alphabets differ in two digits")
    func alphabets() {
        #expect(Base64.encode([0xFB, 0xFF]) == "+/8=")
        #expect(Base64.encode([0xFB, 0xFF], .url) == "-_8")
    }
}
