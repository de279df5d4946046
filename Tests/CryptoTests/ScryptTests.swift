import Crypto
import Encoding
import Testing

@Suite struct ScryptTests {
    @Test("the vectors of RFC 7914 §12 hold", arguments: [
        (
            "", "", 16, 1, 1,
            "77d6576238657b203b19ca42c18a0497f16b4844e3074ae8dfdffa3fede21442fcd0069ded0948f8326a753a0fc81f17e8d3e0fb2e0d3628cf35e20c38d18906"
        ),
        (
            "password", "NaCl", 1024, 8, 16,
            "fdbabe1c9d3472007856e7190d01e9fe7c6ad7cbc8237830e77376634b3731622eaf30d92e22a3886ff109279d9830dac727afb94a83ee6d8360cbdfa2cc0640"
        ),
        (
            "pleaseletmein", "SodiumChloride", 16384, 8, 1,
            "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2d5432955613f0fcf62d49705242a9af9e61e85dc0d651e40dfcf017b45575887"
        ),
    ])
    func vectors(password: String, salt: String, cost: Int, blockSize: Int, parallelism: Int, hex: String) throws {
        let key = try Scrypt.derive(
            password: Array(password.utf8), salt: Array(salt.utf8),
            parameters: .init(cost: cost, blockSize: blockSize, parallelism: parallelism), length: 64)
        #expect(Hex.encode(key) == hex)
    }

    @Test("parameters outside RFC 7914 are refused", arguments: [
        (0, 8, 1, 32), (1, 8, 1, 32), (3, 8, 1, 32), (-2, 8, 1, 32), (16, 0, 1, 32), (16, 8, 0, 32), (16, 8, 1, 0), (16, 8, 1, 1025),
    ])
    func invalid(cost: Int, blockSize: Int, parallelism: Int, length: Int) {
        #expect(throws: CryptoError.invalidParameters) {
            _ = try Scrypt.derive(
                password: [1], salt: [2], parameters: .init(cost: cost, blockSize: blockSize, parallelism: parallelism),
                length: length)
        }
    }

    @Test("parameters that want too much memory are refused before any work", arguments: [
        (1 << 20, 8, 1), (1 << 62, 1 << 40, 1), (2, 1 << 60, 1), (16, 1, Int.max),
    ])
    func memory(cost: Int, blockSize: Int, parallelism: Int) {
        #expect(throws: CryptoError.memoryLimit(bytesMax: 64 << 20)) {
            _ = try Scrypt.derive(
                password: [1], salt: [2], parameters: .init(cost: cost, blockSize: blockSize, parallelism: parallelism))
        }
    }

    @Test("the standard parameters fit their own memory limit")
    func interactive() throws {
        #expect(try Scrypt.derive(password: [1], salt: [2]).count == 32)
    }
}
