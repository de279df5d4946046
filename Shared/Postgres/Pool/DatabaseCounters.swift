import Synchronization

/// A number that one loop writes and anyone reads: relaxed, without contention.
final class Counter: Sendable {
    private let value = Atomic<Int>(0)

    func add(_ delta: Int = 1) {
        value.store(value.load(ordering: .relaxed) &+ delta, ordering: .relaxed)
    }

    /// For numbers that several threads count.
    func increment() { value.wrappingAdd(1, ordering: .relaxed) }

    func set(_ new: Int) { value.store(new, ordering: .relaxed) }
    var current: Int { value.load(ordering: .relaxed) }
}

/// What one loop counts.
final class DatabaseCounters: Sendable {
    let readPipelinesUp = Counter(), writePipelinesUp = Counter()
    let statementsInFlight = Counter()
    let sessionsInUse = Counter(), sessionsIdle = Counter(), sessionsAwaited = Counter()
    let statements = Counter(), statementErrors = Counter()
    let transactions = Counter(), transactionRetries = Counter()
    let connects = Counter(), connectFailures = Counter(), connectionsLost = Counter()
    let cancels = Counter()

    func add(to status: inout DatabaseStatus) {
        status.pipelinesUp += readPipelinesUp.current + writePipelinesUp.current
        status.statementsInFlight += max(0, statementsInFlight.current)
        status.sessionsInUse += sessionsInUse.current
        status.sessionsIdle += sessionsIdle.current
        status.sessionsAwaited += sessionsAwaited.current
        status.statements &+= UInt64(max(0, statements.current))
        status.statementErrors &+= UInt64(max(0, statementErrors.current))
        status.transactions &+= UInt64(max(0, transactions.current))
        status.transactionRetries &+= UInt64(max(0, transactionRetries.current))
        status.connects &+= UInt64(max(0, connects.current))
        status.connectFailures &+= UInt64(max(0, connectFailures.current))
        status.connectionsLost &+= UInt64(max(0, connectionsLost.current))
        status.cancels &+= UInt64(max(0, cancels.current))
    }
}
