import Crypto
import Encoding
import TestSupport
import Testing

@Suite struct RandomTests {
    @Test("random bytes come in the number asked for", arguments: [0, 1, 7, 8, 9, 31, 2048, 2049, 5000])
    func counts(count: Int) {
        #expect(SecureRandom.bytes(count).count == count)
        #expect(BufferedRandom().bytes(count).count == count)
    }

    @Test("a small batch is filled again and again and repeats nothing")
    func batches() {
        let random = BufferedRandom(batchBytes: 16)
        var seen: Set<UInt64> = []
        for _ in 0..<1000 { #expect(seen.insert(random.next()).inserted) }
        #expect(seen.contains(0) == false)
    }

    @Test("identifiers of the generator are of their version and differ")
    func identifiers() {
        let random = BufferedRandom()
        let ids = (0..<1000).map { _ in UUID.v4(random: random.pair()) }
        #expect(Set(ids).count == 1000)
        #expect(ids.allSatisfy { $0.version == 4 && $0.low >> 62 == 2 })
        var system = SecureRandom()
        #expect(UUID.v4(using: &system) != UUID.v4(using: &system))
    }

    @Test("constant-time equality is equality", arguments: 0..<20 as Range<UInt64>)
    func equality(seed: UInt64) {
        var random = SeededRandom(seed)
        let bytes = random.bytes(Int.random(in: 1...100, using: &random))
        var other = bytes
        #expect(constantTimeEquals(bytes, other))
        other[Int.random(in: 0..<other.count, using: &random)] ^= 1 << UInt8.random(in: 0...7, using: &random)
        #expect(!constantTimeEquals(bytes, other), "seed \(seed)")
        #expect(!constantTimeEquals(bytes, bytes + [0]))
        #expect(constantTimeEquals([], []))
        #expect(!constantTimeEquals([], [0]))
        #expect(constantTimeEquals(SHA256.hash(bytes), SHA256.hash(bytes)))
        #expect(!constantTimeEquals(SHA256.hash(bytes), SHA256.hash(other)))
    }
}
