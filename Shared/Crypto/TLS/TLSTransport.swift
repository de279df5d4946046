/// What a transport did with one request to move bytes.
public enum TLSTransfer: Sendable, Equatable {
    case bytes(Int)
    /// Nothing now; the transport will say when it can go on.
    case wouldBlock
    /// The peer has closed its side (receiving), or the connection is gone (sending).
    case closed
}

/// The bytes under a ``TLSSession``. Both calls come from inside the session's own calls, on the same thread, and must not block.
open class TLSTransport {
    public init() {}

    /// Ciphertext from the peer into `buffer`, which is never empty.
    open func receive(into buffer: UnsafeMutableRawBufferPointer) -> TLSTransfer { .closed }

    /// Ciphertext to the peer; may take a part of it.
    open func send(_ bytes: UnsafeRawBufferPointer) -> TLSTransfer { .closed }
}
