/// Where statements can be run: ``Database`` (each on its own), ``Session`` and ``Transaction``.
public protocol Queryable {
    /// Runs a statement and returns what it gave.
    func run<Row>(_ sql: SQL<Row>, lane: Lane?) async throws(DatabaseError) -> StatementOutcome

    /// Runs statements that commit together, in one round trip: all take effect or none does. Their outcomes come in the same order.
    func group(_ statements: [Command]) async throws(DatabaseError) -> [StatementOutcome]
}

extension Queryable {
    /// All rows.
    public func query<Row: PostgresRow>(
        _ sql: SQL<Row>, lane: Lane? = nil
    ) async throws(DatabaseError) -> [Row] {
        try await run(sql, lane: lane).rows(Row.self)
    }

    /// The only row, or nil. More than one is an error.
    public func first<Row: PostgresRow>(
        _ sql: SQL<Row>, lane: Lane? = nil
    ) async throws(DatabaseError) -> Row? {
        try await run(sql, lane: lane).first(Row.self)
    }

    /// The only row. None, or more than one, is an error.
    public func one<Row: PostgresRow>(
        _ sql: SQL<Row>, lane: Lane? = nil
    ) async throws(DatabaseError) -> Row {
        guard let row = try await first(sql, lane: lane) else {
            throw .decoding(RowError(.rowCount(0), column: "", position: nil, expected: "one"))
        }
        return row
    }

    /// Returns the number of rows inserted, updated, deleted or selected.
    @discardableResult
    public func execute(_ sql: Command, lane: Lane? = nil) async throws(DatabaseError) -> Int {
        try await run(sql, lane: lane).affectedRows
    }
}

/// What one statement gave.
public struct StatementOutcome: Sendable {
    let result: ResultHandle

    /// Rows inserted, updated, deleted or selected.
    public var affectedRows: Int { result.affectedRows }

    public func rows<Row: PostgresRow>(_ type: Row.Type = Row.self) throws(DatabaseError) -> [Row] {
        try result.decode(type)
    }

    /// The only row, or nil. More than one is an error.
    public func first<Row: PostgresRow>(_ type: Row.Type = Row.self) throws(DatabaseError) -> Row? {
        try result.decodeFirst(type)
    }
}
