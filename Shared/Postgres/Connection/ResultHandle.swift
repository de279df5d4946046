internal import CLibpq

/// Owns one PGresult.
final class ResultHandle: @unchecked Sendable {
    // @unchecked: a PGresult is never changed after libpq handed it out, and its accessors only read.
    private let raw: OpaquePointer

    init(owning raw: OpaquePointer) { self.raw = raw }

    deinit { PQclear(raw) }

    var status: ExecStatusType { PQresultStatus(raw) }
    var rowCount: Int { Int(PQntuples(raw)) }
    var columnCount: Int { Int(PQnfields(raw)) }

    /// Rows inserted, updated, deleted, selected or moved; 0 for other commands.
    var affectedRows: Int {
        guard let text = PQcmdTuples(raw) else { return 0 }
        var count = 0
        var cursor = text
        while cursor.pointee >= 48, cursor.pointee <= 57 {
            count = count &* 10 &+ Int(cursor.pointee - 48)
            cursor += 1
        }
        return count
    }

    /// The command tag, such as `COMMIT`.
    var commandTag: String { PQcmdStatus(raw).map { String(cString: $0) } ?? "" }

    func columnName(_ column: Int) -> String {
        PQfname(raw, Int32(truncatingIfNeeded: column)).map { String(cString: $0) } ?? ""
    }

    func columnType(_ column: Int) -> UInt32 { PQftype(raw, Int32(truncatingIfNeeded: column)) }

    /// nil for NULL. Valid as long as this object.
    func value(row: Int, column: Int) -> UnsafeRawBufferPointer? {
        let row = Int32(truncatingIfNeeded: row), column = Int32(truncatingIfNeeded: column)
        let length = PQgetlength(raw, row, column)
        if length == 0, PQgetisnull(raw, row, column) == 1 { return nil }
        return UnsafeRawBufferPointer(start: PQgetvalue(raw, row, column), count: Int(length))
    }

    /// The error report, when this is one.
    var serverError: ServerError? {
        guard status == PGRES_FATAL_ERROR else { return nil }
        guard let state = field(67) else { return nil }
        return ServerError(
            state: SQLState(state), severity: field(86) ?? field(83) ?? "ERROR", message: field(77) ?? "",
            schema: field(115), table: field(116), column: field(99), constraint: field(110), routine: field(82))
    }

    /// libpq's own words for an error that did not come from the server.
    var clientMessage: String { firstLine(PQresultErrorMessage(raw)) }

    /// A field of ErrorResponse by its code (protocol documentation, "Error and Notice Message Fields").
    private func field(_ code: Int32) -> String? {
        PQresultErrorField(raw, code).map { String(cString: $0) }
    }
}

/// The first line of one of libpq's messages.
func firstLine(_ message: UnsafePointer<CChar>?) -> String {
    guard let message else { return "" }
    let text = String(cString: message)
    return String(text.prefix { $0 != "\n" })
}
