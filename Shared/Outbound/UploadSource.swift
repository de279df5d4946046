/// The body of a request as libcurl asks for it.
struct UploadSource {
    enum Pull: Equatable {
        case bytes(Int)
        case end
        /// Nothing at hand: pause until more is supplied.
        case wait
        case failed(String)
    }

    let length: Int64
    /// nil where the whole body is in memory.
    let next: (@Sendable () async throws -> [UInt8]?)?
    private var piece: [UInt8]
    private var position = 0
    private var given: Int64 = 0
    private var hasEnded: Bool

    init?(_ body: OutboundBody) {
        switch body {
        case .none: return nil
        case .bytes(let bytes):
            length = Int64(bytes.count)
            next = nil
            piece = bytes
            hasEnded = true
        case .stream(let length, let next):
            self.length = length
            self.next = next
            piece = []
            hasEnded = length == 0
        }
    }

    /// Whether the body can be sent a second time from its start.
    var canRewind: Bool { next == nil }

    mutating func rewind() -> Bool {
        guard canRewind else { return false }
        position = 0
        given = 0
        return true
    }

    mutating func pull(into room: UnsafeMutableRawBufferPointer) -> Pull {
        let count = min(room.count, piece.count - position)
        if count > 0 {
            piece.withUnsafeBytes { room.copyMemory(from: UnsafeRawBufferPointer(rebasing: $0[position..<position + count])) }
            position += count
            given += Int64(count)
            return given <= length ? .bytes(count) : .failed("the source gave more than the \(length) bytes it declared")
        }
        if given == length { return .end }
        return hasEnded ? .failed("the source gave \(given) of \(length) bytes") : .wait
    }

    /// Takes the source's next piece, nil at its end.
    mutating func supply(_ next: [UInt8]?) {
        piece = next ?? []
        position = 0
        if next == nil { hasEnded = true }
    }
}
