internal import CZlib

/// Unpacks one gzip member after the other (RFC 1952), as much at a time as there is room for. Holds no bytes beyond zlib's
/// window of 32 KiB. Not Sendable.
public final class GzipInflater {
    /// What one step came to.
    public struct Step {
        /// Bytes taken from the input.
        public let consumed: Int
        /// Bytes written to the output.
        public let produced: Int
        public let state: State
    }

    public enum State: Equatable {
        /// The member goes on: it wants more input, or more room.
        case open
        /// The member has ended and its checksum fits. `restart()` before the next one.
        case ended
        /// What came is no gzip. Says why, in zlib's words.
        case broken(String)
    }

    private var stream = z_stream()
    private let isOpen: Bool

    /// Window of 32 KiB; 16 selects gzip framing (zlib.h, inflateInit2).
    private static let windowBits: Int32 = 15 + 16

    public init() {
        isOpen = inflateInit2_(&stream, Self.windowBits, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK
    }

    deinit { if isOpen { inflateEnd(&stream) } }

    /// Makes ready for another member.
    public func restart() -> State { isOpen && inflateReset(&stream) == Z_OK ? .open : .broken("zlib could not go on") }

    /// Unpacks from `input`, of which at most 4 GiB are taken, into `output`.
    public func step(_ input: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer) -> Step {
        guard isOpen else { return Step(consumed: 0, produced: 0, state: .broken("zlib could not start")) }
        let (offered, room) = (UInt32(clamping: input.count), UInt32(clamping: output.count))
        // zlib only reads through next_in, whatever its type says.
        stream.next_in = UnsafeMutablePointer(mutating: input.assumingMemoryBound(to: UInt8.self).baseAddress)
        stream.avail_in = offered
        stream.next_out = output.assumingMemoryBound(to: UInt8.self).baseAddress
        stream.avail_out = room
        let status = inflate(&stream, Z_NO_FLUSH)
        let state: State =
            switch status {
            case Z_OK, Z_BUF_ERROR: .open
            case Z_STREAM_END: .ended
            default: .broken(stream.msg.map { String(cString: $0) } ?? "status \(status)")
            }
        let step = Step(consumed: Int(offered - stream.avail_in), produced: Int(room - stream.avail_out), state: state)
        stream.next_in = nil
        stream.next_out = nil
        return step
    }
}
