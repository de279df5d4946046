public import EventLoop

/// The database of a process. Connections belong to event loops; a call made on a loop stays on it.
///
/// Single statements of all callers share a few pipelined connections per loop, reads and writes apart. Each is its own transaction:
/// a failed one never touches its neighbours. Sessions and transactions borrow a connection.
public final class Database: Sendable, Queryable {
    public let configuration: DatabaseConfiguration
    let members: [Member]
    let listening: LoopBound<ListenHub>
    private let loops: LoopGroup

    /// One loop's share.
    struct Member: Sendable {
        let loop: Loop
        let counters: DatabaseCounters
        let bound: LoopBound<LoopDatabase>
    }

    /// A malformed URL is not refused here: see ``DatabaseConfiguration/urlIsWellFormed``.
    public init(_ configuration: DatabaseConfiguration, loops: LoopGroup) {
        self.configuration = configuration
        self.loops = loops
        let settings = ConnectionSettings(configuration)
        // Two pools: a cancel request may block for as long as the server is stopped, connecting must go on.
        let connecting = BlockingPool(threads: 2, queueLimit: 256, name: "pg-connect")
        let cancelling = BlockingPool(threads: 2, queueLimit: 64, name: "pg-cancel")
        func connector(_ loop: Loop, _ counters: DatabaseCounters) -> Connector {
            Connector(
                on: loop, configuration: configuration, settings: settings, counters: counters,
                connectPool: connecting, cancelPool: cancelling)
        }
        members = loops.loops.map { loop in
            let counters = DatabaseCounters()
            return Member(
                loop: loop, counters: counters,
                bound: LoopBound(LoopDatabase(connector(loop, counters)), on: loop))
        }
        let first = loops.loops[0]
        listening = LoopBound(ListenHub(connector(first, members[0].counters)), on: first)
    }

    /// Begins to connect. Statements sent before the first attempt has ended wait for it.
    public func start() {
        for member in members {
            member.loop.execute { member.bound.value.start() }
        }
    }

    /// Refuses new statements, lets those under way end, takes back sessions that are still lent after `grace`, closes all connections.
    public func close(grace: Duration = .seconds(10)) async {
        let reason = "the database was closed"
        await withTaskGroup(of: Void.self) { group in
            for member in members {
                group.addTask {
                    try? await member.loop.run { await member.bound.value.close(because: reason, grace: grace) }
                }
            }
            let hub = listening
            group.addTask {
                try? await hub.loop.run { hub.value.close(because: reason) }
            }
        }
    }

    /// Runs one statement on a shared connection, with a commit of its own. Cancellation is looked at before it is sent; a statement under way
    /// ends by itself or by its time limit, so that its outcome is known.
    ///
    /// - Parameter lane: nil takes the lane of reads for a text that begins with SELECT, VALUES, SHOW or TABLE, and that of writes for others.
    public func run<Row>(_ sql: SQL<Row>, lane: Lane? = nil) async throws(DatabaseError) -> StatementOutcome {
        let statement = BoundStatement(sql)
        try statement.check()
        let kind = StatementKind(statement.text)
        try kind.checkShareable()
        if Task.isCancelled { throw .cancelled }
        let lane = lane ?? kind.lane
        let member = here()
        if member.loop.isCurrent { return try await member.bound.value.run(statement, lane: lane) }
        return try await onLoop(member.loop) { () async throws(DatabaseError) -> StatementOutcome in
            try await member.bound.value.run(statement, lane: lane)
        }
    }

    /// Runs statements that commit together on a shared connection, in one round trip and one implicit transaction.
    public func group(_ statements: [Command]) async throws(DatabaseError) -> [StatementOutcome] {
        let bound = statements.map { BoundStatement($0) }
        for statement in bound {
            try statement.check()
            try StatementKind(statement.text).checkShareable()
        }
        if bound.isEmpty { return [] }
        if Task.isCancelled { throw .cancelled }
        let member = here()
        return try await onLoop(member.loop) { () async throws(DatabaseError) -> [StatementOutcome] in
            try await member.bound.value.run(group: bound)
        }
    }

    /// From any thread.
    public var status: DatabaseStatus {
        var status = DatabaseStatus()
        for member in members { member.counters.add(to: &status) }
        let reachable = members.count {
            $0.counters.readPipelinesUp.current > 0 && $0.counters.writePipelinesUp.current > 0
        }
        status.isReachable = reachable > 0
        status.isReachableFromEveryLoop = reachable == members.count
        return status
    }

    /// The share of this loop, or any loop's when called from elsewhere.
    func here() -> Member {
        if let loop = Loop.current, loop.index < members.count {
            let member = members[loop.index]
            if member.loop === loop { return member }
        }
        let loop = loops.nextLoop()
        return members.first { $0.loop === loop } ?? members[0]
    }
}
