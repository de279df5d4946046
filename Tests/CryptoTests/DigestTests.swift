import Crypto
import Encoding
import TestSupport
import Testing

@Suite struct SHA256Tests {
    @Test("the vectors of FIPS 180-4 hold", arguments: [
        ("", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
        ("abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        (
            "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
            "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"
        ),
    ])
    func vectors(text: String, hex: String) {
        #expect(SHA256.hash(text).hex == hex)
        #expect(SHA256.hash([UInt8](text.utf8)) == Digest32(hex: hex))
    }

    @Test("a million times the letter a, in pieces")
    func million() {
        let digest = SHA256()
        let piece = [UInt8](repeating: UInt8(ascii: "a"), count: 10_000)
        for _ in 0..<100 { digest.update(piece) }
        #expect(digest.finalize().hex == "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0")
    }

    @Test("however the bytes are cut, the digest is the same, and the object starts anew", arguments: 0..<20 as Range<UInt64>)
    func pieces(seed: UInt64) {
        var random = SeededRandom(seed)
        let bytes = random.bytes(Int.random(in: 0...5000, using: &random))
        let digest = SHA256()
        for _ in 0..<2 {
            var rest = bytes[...]
            while !rest.isEmpty {
                let count = Int.random(in: 0...min(rest.count, 300), using: &random)
                digest.update([UInt8](rest.prefix(count)))
                rest = rest.dropFirst(count)
            }
            #expect(digest.snapshot() == SHA256.hash(bytes), "seed \(seed)")
            #expect(digest.finalize() == SHA256.hash(bytes), "seed \(seed)")
        }
        digest.update([1])
        digest.reset()
        #expect(digest.finalize() == SHA256.hash(""))
    }

    @Test("a digest is made from 32 bytes or 64 hexadecimal digits, nothing else")
    func digestForms() throws {
        let digest = SHA256.hash("x")
        #expect(Digest32(digest.bytes) == digest)
        #expect(Digest32(hex: digest.hex) == digest)
        #expect(Digest32(hex: digest.hex.uppercased()) == digest)
        #expect(digest.description == digest.hex)
        #expect(Digest32([UInt8](repeating: 0, count: 31)) == nil)
        #expect(Digest32(hex: String(digest.hex.dropLast())) == nil)
        #expect(Digest32(hex: String(digest.hex.dropLast()) + "g") == nil)
        #expect(Digest32(hex: "") == nil)
        #expect(digest.withUnsafeBytes { [UInt8]($0) } == digest.bytes)
    }
}

@Suite struct HMACSHA256Tests {
    /// RFC 4231 §4.2 to §4.8 (§4.6 is truncated to 128 bits there).
    static let vectors: [(key: [UInt8], data: [UInt8], hex: String)] = [
        (
            [UInt8](repeating: 0x0B, count: 20), Array("Hi There".utf8),
            "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7"
        ),
        (
            Array("Jefe".utf8), Array("what do ya want for nothing?".utf8),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
        ),
        (
            [UInt8](repeating: 0xAA, count: 20), [UInt8](repeating: 0xDD, count: 50),
            "773ea91e36800e46854db8ebd09181a72959098b3ef8c122d9635514ced565fe"
        ),
        (
            Array(1...25), [UInt8](repeating: 0xCD, count: 50),
            "82558a389a443c0ea4cc819899f2083a85f0faa3e578f8077a2e3ff46729665b"
        ),
        ([UInt8](repeating: 0x0C, count: 20), Array("Test With Truncation".utf8), "a3b6167473100ee06e0c796c2955552b"),
        (
            [UInt8](repeating: 0xAA, count: 131), Array("Test Using Larger Than Block-Size Key - Hash Key First".utf8),
            "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54"
        ),
        (
            [UInt8](repeating: 0xAA, count: 131),
            Array(
                ("This is a test using a larger than block-size key and a larger than block-size data. "
                    + "The key needs to be hashed before being used by the HMAC algorithm.").utf8),
            "9b09ffa71b942fcb27635fbcd5b0e944bfdc63644f0713938a7f51535c3a35e2"
        ),
    ]

    @Test("the vectors of RFC 4231 hold", arguments: vectors.indices)
    func rfc4231(index: Int) {
        let vector = Self.vectors[index]
        #expect(HMACSHA256.authenticate(vector.data, key: vector.key).hex.hasPrefix(vector.hex))
    }

    @Test("a code can be made again under the same key, in pieces")
    func reuse() {
        let vector = Self.vectors[1]
        let code = HMACSHA256(key: vector.key)
        for _ in 0..<3 {
            for byte in vector.data { code.update([byte]) }
            #expect(code.finalize().hex == vector.hex)
        }
    }

    @Test("an empty key is a key")
    func emptyKey() {
        // Known value of HMAC-SHA-256 for an empty key and an empty message.
        let expected = "b613679a0814d9ec772f95d778c35fc5ff1697c493715653c6c712144292c5ad"
        #expect(HMACSHA256.authenticate([], key: []).hex == expected)
        let code = HMACSHA256(key: [])
        _ = code.finalize()
        #expect(code.finalize().hex == expected)
    }
}
