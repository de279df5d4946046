import Crypto
import Encoding

/// The random numbers of one loop, for identifiers. Loop-bound.
final class LoopRandom {
    private let buffered = BufferedRandom()

    func next() -> UInt64 { buffered.next() }

    func uuid() -> UUID { UUID.v4(random: buffered.pair()) }
}
