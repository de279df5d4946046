/// An error report of the server (PostgreSQL protocol, ErrorResponse) without DETAIL, HINT and context, which may hold values.
public struct ServerError: Error, Sendable, Hashable, CustomStringConvertible {
    public let state: SQLState
    /// ERROR, FATAL or PANIC, untranslated.
    public let severity: String
    /// The primary message.
    public let message: String
    public let schema: String?
    public let table: String?
    public let column: String?
    public let constraint: String?
    /// The server's function that raised it, such as `RevalidateCachedQuery`.
    let routine: String?

    init(
        state: SQLState, severity: String = "ERROR", message: String, schema: String? = nil, table: String? = nil,
        column: String? = nil, constraint: String? = nil, routine: String? = nil
    ) {
        self.state = state
        self.severity = severity
        self.message = message
        self.schema = schema
        self.table = table
        self.column = column
        self.constraint = constraint
        self.routine = routine
    }

    /// The session is over after it.
    var isFatal: Bool { severity == "FATAL" || severity == "PANIC" }

    /// The prepared statement has gone or its plan has outlived a change of the schema: preparing anew is enough, and nothing was run.
    var asksForNewPlan: Bool {
        state == .invalidStatementName || (state == .featureNotSupported && routine == "RevalidateCachedQuery")
    }

    func violated(_ kind: SQLState) -> String? { state == kind ? constraint ?? "" : nil }

    public var description: String {
        var text = "SQLSTATE \(state.code): \(message)"
        if let constraint { text += " [constraint \(constraint)]" }
        if let table { text += " [table \(table)]" }
        if let column { text += " [column \(column)]" }
        return text
    }
}

/// The five characters of an SQLSTATE (PostgreSQL documentation, appendix A).
public struct SQLState: Sendable, Hashable, CustomStringConvertible {
    public let code: String
    public init(_ code: String) { self.code = code }
    public var description: String { code }

    public static let notNullViolation = SQLState("23502")
    public static let foreignKeyViolation = SQLState("23503")
    public static let uniqueViolation = SQLState("23505")
    public static let checkViolation = SQLState("23514")
    public static let exclusionViolation = SQLState("23P01")
    public static let serializationFailure = SQLState("40001")
    public static let deadlockDetected = SQLState("40P01")
    public static let lockNotAvailable = SQLState("55P03")
    public static let queryCanceled = SQLState("57014")
    public static let insufficientPrivilege = SQLState("42501")
    public static let undefinedTable = SQLState("42P01")
    public static let raiseException = SQLState("P0001")
    static let invalidStatementName = SQLState("26000")
    static let featureNotSupported = SQLState("0A000")

    /// The same transaction may well succeed when run again.
    public var isTransient: Bool { self == .serializationFailure || self == .deadlockDetected }

    /// The server is going down, starting up or out of connections.
    var meansUnavailable: Bool { code.hasPrefix("57P0") || code == "53300" }
}
