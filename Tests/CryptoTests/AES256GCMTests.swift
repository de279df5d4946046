import Crypto
import Encoding
import TestSupport
import Testing

@Suite struct AES256GCMTests {
    struct Vector: Sendable {
        let key: String
        let nonce: String
        let message: String
        let additionalData: String
        let sealed: String
    }

    /// Test cases 13 to 16 of McGrew and Viega, "The Galois/Counter Mode of Operation", appendix B: those with AES-256 and a nonce of 96 bits.
    static let published: [Vector] = [
        Vector(
            key: String(repeating: "00", count: 32), nonce: String(repeating: "00", count: 12), message: "",
            additionalData: "", sealed: "530f8afbc74536b9a963b4f1c4cb738b"),
        Vector(
            key: String(repeating: "00", count: 32), nonce: String(repeating: "00", count: 12),
            message: String(repeating: "00", count: 16), additionalData: "",
            sealed: "cea7403d4d606b6e074ec5d3baf39d18d0d1c8a799996bf0265b98b5d48ab919"),
        Vector(
            key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", nonce: "cafebabefacedbaddecaf888",
            message: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b391aafd255",
            additionalData: "",
            sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662898015ad"
                + "b094dac5d93471bdec1a502270e3cc6c"),
        Vector(
            key: "feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308", nonce: "cafebabefacedbaddecaf888",
            message: "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72"
                + "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39",
            additionalData: "feedfacedeadbeeffeedfacedeadbeefabaddad2",
            sealed: "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa"
                + "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
                + "76fc6ece0f4e1768cddf8853bb2d551b"),
    ]

    @Test("the published vectors hold, both ways", arguments: 0..<4)
    func publishedVectors(index: Int) throws {
        let vector = Self.published[index]
        let key = try AES256GCM.Key(try #require(Hex.decode(vector.key)))
        let nonce = try #require(Hex.decode(vector.nonce))
        let message = try #require(Hex.decode(vector.message))
        let additional = try #require(Hex.decode(vector.additionalData))
        let sealed = try AES256GCM.seal(message, key: key, nonce: nonce, additionalData: additional)
        #expect(Hex.encode(sealed) == vector.sealed)
        #expect(try AES256GCM.open(sealed, key: key, nonce: nonce, additionalData: additional) == message)
    }

    @Test("one changed bit anywhere is noticed", arguments: 0..<10 as Range<UInt64>)
    func tampering(seed: UInt64) throws {
        var random = SeededRandom(seed)
        let keyBytes = random.bytes(32)
        let nonce = random.bytes(12)
        let message = random.bytes(Int.random(in: 0...100, using: &random))
        let additional = random.bytes(Int.random(in: 1...30, using: &random))
        let key = try AES256GCM.Key(keyBytes)
        let sealed = try AES256GCM.seal(message, key: key, nonce: nonce, additionalData: additional)
        func flipped(_ bytes: [UInt8], _ index: Int) -> [UInt8] {
            var bytes = bytes
            bytes[index] ^= 1 << UInt8.random(in: 0...7, using: &random)
            return bytes
        }
        func refuses(
            _ sealed: [UInt8], _ key: AES256GCM.Key, _ nonce: [UInt8], _ additional: [UInt8],
            _ location: SourceLocation = #_sourceLocation
        ) {
            #expect(throws: CryptoError.notAuthentic, "seed \(seed)", sourceLocation: location) {
                try AES256GCM.open(sealed, key: key, nonce: nonce, additionalData: additional)
            }
        }
        for index in sealed.indices { refuses(flipped(sealed, index), key, nonce, additional) }
        for index in nonce.indices { refuses(sealed, key, flipped(nonce, index), additional) }
        for index in additional.indices { refuses(sealed, key, nonce, flipped(additional, index)) }
        for index in keyBytes.indices { refuses(sealed, try AES256GCM.Key(flipped(keyBytes, index)), nonce, additional) }
        refuses(sealed, key, nonce, [])
        refuses(Array(sealed.dropLast()), key, nonce, additional)
        refuses(sealed + [0], key, nonce, additional)
        refuses([], key, nonce, additional)
        #expect(try AES256GCM.open(sealed, key: key, nonce: nonce, additionalData: additional) == message)
    }

    @Test("a key has 32 bytes, a nonce 12")
    func sizes() throws {
        for count in [0, 16, 24, 31, 33] {
            #expect(throws: CryptoError.invalidParameters) { try AES256GCM.Key([UInt8](repeating: 1, count: count)) }
        }
        let key = try AES256GCM.Key([UInt8](repeating: 1, count: 32))
        for count in [0, 8, 11, 13, 16] {
            let nonce = [UInt8](repeating: 2, count: count)
            #expect(throws: CryptoError.invalidParameters) { try AES256GCM.seal([1], key: key, nonce: nonce) }
            #expect(throws: CryptoError.invalidParameters) {
                try AES256GCM.open([UInt8](repeating: 0, count: 20), key: key, nonce: nonce)
            }
        }
    }
}
