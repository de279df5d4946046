internal import CLibpq

/// What is needed to cancel the statement of a connection, on its own since the connection may go first.
final class CancelRequest: @unchecked Sendable {
    // @unchecked: a PGcancel is a constant copy made for use on another thread (libpq documentation, "Canceling Queries in Progress").
    private let raw: OpaquePointer

    init?(_ handle: PGHandle) {
        guard let raw = PQgetCancel(handle.raw) else { return nil }
        self.raw = raw
    }

    deinit { PQfreeCancel(raw) }

    /// Blocks until the server has taken it.
    func send() {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { message in
            _ = PQcancel(raw, message.baseAddress, 256)
        }
    }
}
