import EventLoop

/// Makes connections for one loop. Loop-bound.
final class Connector {
    let loop: Loop
    let configuration: DatabaseConfiguration
    let counters: DatabaseCounters
    private let settings: ConnectionSettings
    private let connectPool: BlockingPool
    private let cancelPool: BlockingPool

    init(
        on loop: Loop, configuration: DatabaseConfiguration, settings: ConnectionSettings, counters: DatabaseCounters,
        connectPool: BlockingPool, cancelPool: BlockingPool
    ) {
        self.loop = loop
        self.configuration = configuration
        self.settings = settings
        self.counters = counters
        self.connectPool = connectPool
        self.cancelPool = cancelPool
    }

    func connect() async throws(DatabaseError) -> Connection {
        do throws(DatabaseError) {
            let connection = try await open()
            counters.connects.add()
            return connection
        } catch {
            counters.connectFailures.add()
            throw error
        }
    }

    private func open() async throws(DatabaseError) -> Connection {
        guard configuration.urlIsWellFormed else {
            throw .unavailable(reason: "the connection URL is malformed", outcomeUnknown: false)
        }
        let handle = try await ConnectAttempt.run(
            settings, on: loop, pool: connectPool, timeout: configuration.connectTimeout)
        let connection = try Connection(
            handle, on: loop,
            settings: Connection.Settings(
                preparedStatements: configuration.preparedStatements, counters: counters, cancelPool: cancelPool))
        connection.answerLimit = answerLimit(configuration.statementTimeout)
        return connection
    }

    /// After so long the server is taken for dead; nil for statements without a limit.
    func answerLimit(_ statementTimeout: Duration) -> Duration? {
        statementTimeout > .zero ? statementTimeout + configuration.answerGrace : nil
    }

    func backoff() -> Backoff {
        Backoff(first: configuration.reconnectDelay, longest: configuration.reconnectDelayMax)
    }
}
