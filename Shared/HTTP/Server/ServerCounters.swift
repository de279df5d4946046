import Synchronization

/// What a server tells about itself; sums over its loops.
public struct HTTPServerMetrics: Sendable, Equatable {
    /// Connections open now, those being refused for capacity included.
    public var openConnections = 0
    /// Connections accepted since the start.
    public var acceptedConnections: UInt64 = 0
    /// Connections turned away because ``HTTPLimits/maxConnections`` were open.
    public var refusedConnections: UInt64 = 0
    /// Requests whose head was understood.
    public var requests: UInt64 = 0
    /// Bytes that never became a request.
    public var faults: UInt64 = 0
    /// TLS handshakes that failed or took too long.
    public var failedHandshakes: UInt64 = 0
    /// Bytes of HTTP received and sent, without TLS.
    public var bytesReceived: UInt64 = 0
    public var bytesSent: UInt64 = 0
}

/// The counters of one loop: written by that loop only, so plain relaxed loads and stores do; read by anyone.
final class ServerCounters: Sendable {
    private let accepted = Atomic<UInt64>(0)
    private let refused = Atomic<UInt64>(0)
    private let open = Atomic<Int>(0)
    private let requests = Atomic<UInt64>(0)
    private let faults = Atomic<UInt64>(0)
    private let handshakes = Atomic<UInt64>(0)
    private let received = Atomic<UInt64>(0)
    private let sent = Atomic<UInt64>(0)

    func countOpened() {
        bump(accepted)
        open.store(open.load(ordering: .relaxed) &+ 1, ordering: .relaxed)
    }

    func countClosed() { open.store(open.load(ordering: .relaxed) &- 1, ordering: .relaxed) }
    func countRefused() { bump(refused) }
    func countRequest() { bump(requests) }
    func countFault() { bump(faults) }
    func countFailedHandshake() { bump(handshakes) }
    func countReceived(_ bytes: Int) { bump(received, by: bytes) }
    func countSent(_ bytes: Int) { bump(sent, by: bytes) }

    func add(to sum: inout HTTPServerMetrics) {
        sum.openConnections += open.load(ordering: .relaxed)
        sum.acceptedConnections += accepted.load(ordering: .relaxed)
        sum.refusedConnections += refused.load(ordering: .relaxed)
        sum.requests += requests.load(ordering: .relaxed)
        sum.faults += faults.load(ordering: .relaxed)
        sum.failedHandshakes += handshakes.load(ordering: .relaxed)
        sum.bytesReceived += received.load(ordering: .relaxed)
        sum.bytesSent += sent.load(ordering: .relaxed)
    }

    @inline(__always)
    private func bump(_ counter: borrowing Atomic<UInt64>, by amount: Int = 1) {
        counter.store(counter.load(ordering: .relaxed) &+ UInt64(truncatingIfNeeded: amount), ordering: .relaxed)
    }
}
