import EventLoop

/// All LISTEN of a process, on one connection of one loop. Loop-bound.
final class ListenHub {
    private final class Subscriber {
        let channel: String
        let pollEvery: Duration
        let continuation: AsyncStream<ListenEvent>.Continuation
        var timer: TimerID?
        var lastEvent: MonotonicTime
        var hasBegun = false

        init(_ channel: String, _ pollEvery: Duration, _ continuation: AsyncStream<ListenEvent>.Continuation, _ now: MonotonicTime) {
            self.channel = channel
            self.pollEvery = pollEvery
            self.continuation = continuation
            lastEvent = now
        }
    }

    private let loop: Loop
    private let kept: KeptConnection
    private var subscribers: [Int: Subscriber] = [:]
    private var lastID = 0
    private var hasStarted = false
    private var closedBecause: String?
    /// A silent server is noticed by asking it.
    private static let pingEvery: Duration = .seconds(10)

    init(_ connector: Connector) {
        loop = connector.loop
        kept = KeptConnection(connector)
    }

    func subscribe(_ channel: String, pollEvery: Duration, _ continuation: AsyncStream<ListenEvent>.Continuation) {
        guard closedBecause == nil else { return continuation.finish() }
        lastID += 1
        let id = lastID
        let subscriber = Subscriber(channel, pollEvery, continuation, loop.now)
        let isNewChannel = !subscribers.values.contains { $0.channel == channel }
        subscribers[id] = subscriber
        let box = LoopBound(self, on: loop)
        continuation.onTermination = { _ in
            box.loop.execute { box.value.unsubscribe(id) }
        }
        armPoll(subscriber)
        start()
        if let connection = kept.connection {
            if isNewChannel { listen(connection, to: channel) } else { yield(.poll, to: subscriber) }
        } else if !kept.isFirstAttempt {
            yield(.poll, to: subscriber)
        }
    }

    private func start() {
        if hasStarted { return }
        hasStarted = true
        kept.onUp = { [weak self] in self?.isUp($0) }
        kept.onDown = { [weak self] in
            guard let self else { return }
            // Without a connection there is only polling: it begins at once.
            for subscriber in subscribers.values where !subscriber.hasBegun { yield(.poll, to: subscriber) }
        }
        kept.start()
    }

    private func isUp(_ connection: Connection) {
        connection.onNotification = { [weak self] channel, payload in
            guard let self else { return }
            for subscriber in subscribers.values where subscriber.channel == channel {
                yield(.notified(payload: payload), to: subscriber)
            }
        }
        for channel in Set(subscribers.values.map(\.channel)) { listen(connection, to: channel) }
        schedulePing(connection)
    }

    /// Whatever was sent before the server has taken the LISTEN was missed: its subscribers look.
    private func listen(_ connection: Connection, to channel: String) {
        let box = LoopBound(self, on: loop), bound = LoopBound(connection, on: loop)
        loop.spawn {
            let command = Command(text: "LISTEN \(quotedIdentifier(channel))")
            _ = await box.value.send(command, on: bound.value)
            let hub = box.value
            for subscriber in hub.subscribers.values where subscriber.channel == channel {
                hub.yield(.poll, to: subscriber)
            }
        }
    }

    private func send(_ command: Command, on connection: Connection) async -> Bool {
        let unit = StatementUnit(.one(BoundStatement(command)), deadline: nil)
        await withUnsafeContinuation {
            unit.wait($0)
            connection.submit(unit)
        }
        return unit.failure == nil
    }

    private func schedulePing(_ connection: Connection) {
        loop.schedule(after: ListenHub.pingEvery) { [weak self, weak connection] in
            guard let self, let connection, connection.isOpen else { return }
            if connection.isQuiet {
                connection.submit(StatementUnit(.one(BoundStatement("SELECT 1" as Command)), deadline: nil))
            }
            self.schedulePing(connection)
        }
    }

    private func unsubscribe(_ id: Int) {
        guard let subscriber = subscribers.removeValue(forKey: id) else { return }
        if let timer = subscriber.timer { loop.cancel(timer) }
        guard !subscribers.values.contains(where: { $0.channel == subscriber.channel }),
            let connection = kept.connection
        else { return }
        let command = Command(text: "UNLISTEN \(quotedIdentifier(subscriber.channel))")
        connection.submit(StatementUnit(.one(BoundStatement(command)), deadline: nil))
    }

    private func yield(_ event: ListenEvent, to subscriber: Subscriber) {
        subscriber.lastEvent = loop.now
        subscriber.hasBegun = true
        subscriber.continuation.yield(event)
    }

    private func armPoll(_ subscriber: Subscriber) {
        let due = subscriber.lastEvent + subscriber.pollEvery
        subscriber.timer = loop.schedule(at: due) { [weak self, weak subscriber] in
            guard let self, let subscriber else { return }
            if subscriber.lastEvent + subscriber.pollEvery <= loop.now { yield(.poll, to: subscriber) }
            armPoll(subscriber)
        }
    }

    func close(because reason: String) {
        closedBecause = reason
        for subscriber in subscribers.values {
            if let timer = subscriber.timer { loop.cancel(timer) }
            subscriber.continuation.finish()
        }
        subscribers = [:]
        kept.close(because: reason)
    }
}
