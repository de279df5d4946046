import EventLoop

/// What one loop has of the database: two lanes of shared connections and a pool of sessions. Loop-bound.
final class LoopDatabase {
    let loop: Loop
    let connector: Connector
    private let reads: PipelineLane
    private let writes: PipelineLane
    let sessions: SessionPool
    private var counters: DatabaseCounters { connector.counters }

    init(_ connector: Connector) {
        self.connector = connector
        loop = connector.loop
        let configuration = connector.configuration
        reads = PipelineLane(connector, connections: configuration.readPipelines, up: connector.counters.readPipelinesUp)
        writes = PipelineLane(
            connector, connections: configuration.writePipelines, up: connector.counters.writePipelinesUp)
        sessions = SessionPool(connector)
    }

    func start() {
        reads.start()
        writes.start()
    }

    func run(_ statement: BoundStatement, lane: Lane) async throws(DatabaseError) -> StatementOutcome {
        let unit = StatementUnit(.one(statement), deadline: deadline)
        counters.statements.add()
        await send(unit, lane)
        return try unit.outcome()
    }

    func run(group: [BoundStatement]) async throws(DatabaseError) -> [StatementOutcome] {
        let unit = StatementUnit(.several(group), deadline: deadline)
        counters.statements.add(group.count)
        await send(unit, .write)
        return try unit.outcomes()
    }

    private func send(_ unit: StatementUnit, _ lane: Lane) async {
        counters.statementsInFlight.add()
        switch lane {
        case .read: await reads.run(unit)
        case .write: await writes.run(unit)
        }
        counters.statementsInFlight.add(-1)
    }

    private var deadline: MonotonicTime? {
        connector.answerLimit(connector.configuration.statementTimeout).map { loop.now + $0 }
    }

    func close(because reason: String, grace: Duration) async {
        loop.schedule(after: grace) { [weak self] in self?.sessions.closeLent(because: reason) }
        await sessions.close(because: reason)
        await reads.close(because: reason)
        await writes.close(because: reason)
    }
}
