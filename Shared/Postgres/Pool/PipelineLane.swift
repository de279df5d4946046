import EventLoop

/// The shared connections of one loop for reads, or for writes. Loop-bound.
final class PipelineLane {
    private let slots: [KeptConnection]
    private let up: Counter
    private let limit: Int
    private var inFlight = 0
    /// Came before the first attempt to connect had ended.
    private var parked: [StatementUnit] = []
    private var closedBecause: String?
    private var whenDrained: UnsafeContinuation<Void, Never>?

    init(_ connector: Connector, connections: Int, up: Counter) {
        self.up = up
        limit = connector.configuration.statementQueueLimit
        slots = (0..<max(1, connections)).map { _ in KeptConnection(connector) }
        for slot in slots {
            slot.onUp = { [weak self] _ in self?.changed() }
            slot.onDown = { [weak self] in self?.changed() }
        }
    }

    func start() {
        for slot in slots { slot.start() }
    }

    /// Sends the unit on the connection with the least to do and waits for its end. One synchronous step until it waits.
    func run(_ unit: StatementUnit) async {
        if inFlight >= limit { return unit.finish(.queueFull) }
        inFlight += 1
        unit.mayReplay = true
        await withUnsafeContinuation {
            unit.wait($0)
            submit(unit)
        }
        inFlight -= 1
        if inFlight == 0, let waiting = whenDrained {
            whenDrained = nil
            waiting.resume()
        }
    }

    var load: Int { inFlight }

    private func submit(_ unit: StatementUnit) {
        if let closedBecause { return unit.finish(.unavailable(reason: closedBecause, outcomeUnknown: false)) }
        var best: Connection?
        for slot in slots {
            guard let connection = slot.connection else { continue }
            if connection.inFlight < best?.inFlight ?? .max { best = connection }
        }
        if let best { return best.submit(unit) }
        if slots.contains(where: { $0.isFirstAttempt }) { return parked.append(unit) }
        unit.finish(.unavailable(reason: slots[0].lastFailure, outcomeUnknown: false))
    }

    private func changed() {
        let connected = slots.count { $0.connection != nil }
        up.set(connected)
        if parked.isEmpty { return }
        if connected == 0, closedBecause == nil, slots.contains(where: { $0.isFirstAttempt }) { return }
        let waiting = parked
        parked = []
        for unit in waiting { submit(unit) }
    }

    /// Refuses new statements, waits for those under way and closes the connections.
    func close(because reason: String) async {
        closedBecause = reason
        changed()
        if inFlight > 0 { await withUnsafeContinuation { whenDrained = $0 } }
        for slot in slots { slot.close(because: reason) }
        up.set(0)
    }
}
