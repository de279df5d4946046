/// Bytes that arrive on one side and are handed out on the other, in two fixed buffers: one fills while the other is read.
struct PieceBuffer: ~Copyable {
    private let capacity: Int
    private var filling: UnsafeMutableRawBufferPointer?
    private var filled = 0
    private var handed: UnsafeMutableRawBufferPointer?

    /// Memory is taken with the first byte: at most twice `capacity`.
    init(capacity: Int) {
        self.capacity = capacity
    }

    deinit {
        filling?.deallocate()
        handed?.deallocate()
    }

    var isEmpty: Bool { filled == 0 }

    /// Takes all of `bytes`, or none where they do not fit.
    mutating func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
        guard bytes.count <= capacity - filled else { return false }
        let buffer = filling ?? .allocate(byteCount: capacity, alignment: 64)
        filling = buffer
        UnsafeMutableRawBufferPointer(rebasing: buffer[filled...]).copyMemory(from: bytes)
        filled += bytes.count
        return true
    }

    /// What has gathered, valid until the next call.
    mutating func take() -> UnsafeRawBufferPointer {
        swap(&filling, &handed)
        defer { filled = 0 }
        guard let handed else { return UnsafeRawBufferPointer(start: nil, count: 0) }
        return UnsafeRawBufferPointer(rebasing: handed[..<filled])
    }
}
