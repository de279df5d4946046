/// A connection lent to one task. Not for use by several tasks at once, nor after the closure that got it.
public final class Session: Queryable {
    public func run<Row>(_ sql: SQL<Row>, lane: Lane? = nil) async throws(DatabaseError) -> StatementOutcome {
        throw .unavailable(reason: "not connected", outcomeUnknown: false)
    }

    public func group(_ statements: [Command]) async throws(DatabaseError) -> [StatementOutcome] {
        throw .unavailable(reason: "not connected", outcomeUnknown: false)
    }
}
