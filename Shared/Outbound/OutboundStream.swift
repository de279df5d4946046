import EventLoop

/// A response whose body arrives piece by piece, no faster than it is asked for. Belongs to the loop it was opened on; not Sendable.
///
/// A stream that is closed or released before its end takes its connection with it.
public final class OutboundStream {
    public let head: OutboundResponseHead
    private let transfer: Transfer
    /// Keeps the client's drivers alive.
    private let client: HTTPClient
    private var hasEnded = false

    init(head: OutboundResponseHead, transfer: Transfer, client: HTTPClient) {
        self.head = head
        self.transfer = transfer
        self.client = client
    }

    deinit {
        guard !hasEnded else { return }
        let box = TransferBox(transfer)
        box.loop.execute { box.transfer.cancel() }
    }

    public var status: Int { head.status }
    public var headers: OutboundHeaders { head.headers }

    /// The next bytes, valid until the following call; nil at the body's end. An error is final, and bytes that waited are dropped with it.
    public func next() async throws(OutboundError) -> UnsafeRawBufferPointer? {
        guard !hasEnded else { return nil }
        while true {
            if case .failed(let error) = transfer.outcome {
                hasEnded = true
                throw error
            }
            if let piece = transfer.takePiece() { return piece }
            if case .finished = transfer.outcome {
                hasEnded = true
                return nil
            }
            await client.step(transfer)
        }
    }

    /// The rest of the body. Its size is bounded by the request's `responseBodyBytes`.
    public func collect() async throws(OutboundError) -> [UInt8] {
        var bytes: [UInt8] = []
        if let length = head.declaredLength { bytes.reserveCapacity(Int(min(length, transfer.limits.responseBodyBytes, 1 << 20))) }
        while let piece = try await next() { bytes.append(contentsOf: piece) }
        return bytes
    }

    /// Ends the transfer where it is. Idempotent.
    public func close() {
        guard !hasEnded else { return }
        hasEnded = true
        transfer.cancel()
    }
}
