import EventLoop

/// Keeps one connection up: connects, and connects again with back-off when it breaks. Loop-bound.
final class KeptConnection {
    private(set) var connection: Connection?
    /// Why the last attempt failed, or why the connection broke.
    private(set) var lastFailure = "not connected yet"
    /// No attempt has ended yet.
    private(set) var isFirstAttempt = true
    var onUp: ((Connection) -> Void)?
    var onDown: (() -> Void)?
    private let connector: Connector
    private var task: Task<Void, Never>?
    private var isClosed = false
    private var untilClosed: UnsafeContinuation<Void, Never>?

    init(_ connector: Connector) { self.connector = connector }

    func start() {
        let box = LoopBound(self, on: connector.loop)
        task = connector.loop.spawn { await box.value.keep() }
    }

    func close(because reason: String) {
        isClosed = true
        lastFailure = reason
        task?.cancel()
        connection?.close(because: reason)
    }

    private func keep() async {
        var backoff = connector.backoff()
        while !isClosed {
            do {
                let connection = try await connector.connect()
                isFirstAttempt = false
                if isClosed { return connection.close(because: lastFailure) }
                backoff.reset()
                await use(connection)
            } catch {
                isFirstAttempt = false
                if case .unavailable(let reason, _) = error { lastFailure = reason }
                onDown?()
            }
            if isClosed { return }
            try? await connector.loop.sleep(for: backoff.next())
        }
    }

    private func use(_ connection: Connection) async {
        self.connection = connection
        connection.onClose = { [weak self] in self?.ended($0) }
        onUp?(connection)
        if self.connection != nil { await withUnsafeContinuation { untilClosed = $0 } }
    }

    private func ended(_ connection: Connection) {
        self.connection = nil
        if !isClosed {
            lastFailure = connection.closedBecause ?? "closed"
            connector.counters.connectionsLost.add()
        }
        onDown?()
        untilClosed?.resume()
        untilClosed = nil
    }
}
