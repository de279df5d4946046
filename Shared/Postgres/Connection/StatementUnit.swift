import EventLoop

/// A statement with its values, without the type of its rows.
struct BoundStatement: Sendable {
    let text: String
    let parameters: ParameterList

    init<Row>(_ sql: SQL<Row>) {
        text = sql.text
        parameters = sql.parameters
    }

    /// What can be seen to be wrong before anything is sent.
    func check() throws(DatabaseError) {
        if let position = parameters.positionOfNUL { throw .parameter(.nulCharacter(position: position)) }
        if parameters.count > 65_535 { throw .parameter(.tooMany(parameters.count)) }
    }
}

/// What stands between two Syncs: one implicit transaction, or a step of an explicit one.
///
/// Loop-bound. Lives from submission until its Sync has come back, even when its caller has been given up on.
final class StatementUnit {
    enum Work {
        case one(BoundStatement)
        case several([BoundStatement])
        /// Statements in one text, by the simple protocol, on a connection that has nothing else to do.
        case script(String)
    }

    let work: Work
    /// nil: no limit.
    let deadline: MonotonicTime?
    private var firstOutcome: ResultHandle?
    private var moreOutcomes: [ResultHandle] = []
    private(set) var failure: DatabaseError?
    private(set) var isDone = false
    var cancelWasSent = false
    /// Stands outside any explicit transaction, so that sending it again is safe when nothing of it was run.
    var mayReplay = false
    /// Has been sent a second time with fresh prepared statements.
    var wasReplayed = false
    private var continuation: UnsafeContinuation<Void, Never>?

    init(_ work: Work, deadline: MonotonicTime?) {
        self.work = work
        self.deadline = deadline
    }

    func wait(_ continuation: UnsafeContinuation<Void, Never>) { self.continuation = continuation }

    /// Outcomes of all statements, or why there are none. Once done.
    func outcomes() throws(DatabaseError) -> [StatementOutcome] {
        try checkDone()
        guard let firstOutcome else { return [] }
        return [StatementOutcome(result: firstOutcome)] + moreOutcomes.map(StatementOutcome.init)
    }

    /// The outcome of the only statement.
    func outcome() throws(DatabaseError) -> StatementOutcome {
        try checkDone()
        guard let firstOutcome else { throw .unavailable(reason: "the server did not answer", outcomeUnknown: true) }
        return StatementOutcome(result: firstOutcome)
    }

    private func checkDone() throws(DatabaseError) {
        if let failure { throw failure }
        precondition(isDone, "asked before its end")
    }

    func add(_ result: ResultHandle) {
        if firstOutcome == nil { firstOutcome = result } else { moreOutcomes.append(result) }
    }

    /// The first failure counts: what follows is its consequence.
    func note(_ error: DatabaseError) {
        if failure == nil && !isDone { failure = error }
    }

    func resetForReplay() {
        firstOutcome = nil
        moreOutcomes = []
        failure = nil
        wasReplayed = true
    }

    /// Ends it and wakes its caller, once.
    func finish() {
        if isDone { return }
        isDone = true
        let waiting = continuation
        continuation = nil
        waiting?.resume()
    }

    func finish(_ error: DatabaseError) {
        note(error)
        finish()
    }
}
