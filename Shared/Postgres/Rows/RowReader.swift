/// Reads the columns of one row, in order or by name.
public struct RowReader {
    private let result: ResultHandle
    private let row: Int
    private var position = 0
    private var readByName = false

    init(_ result: ResultHandle, row: Int) {
        self.result = result
        self.row = row
    }

    public var columnCount: Int { result.columnCount }

    /// Reads the next column.
    public mutating func next<Value: PostgresDecodable>(_ type: Value.Type = Value.self) throws(RowError) -> Value {
        guard position < result.columnCount else {
            throw RowError(
                .columnCount(result.columnCount), column: "", position: nil, expected: "at least \(position + 1)")
        }
        defer { position += 1 }
        return try read(position)
    }

    /// Reads the column of that name; the first when several have it.
    public mutating func column<Value: PostgresDecodable>(
        _ name: String, as type: Value.Type = Value.self
    ) throws(RowError) -> Value {
        readByName = true
        for index in 0..<result.columnCount where result.columnName(index) == name {
            return try read(index)
        }
        throw RowError(.missing, column: name, position: nil, expected: "\(Value.self)")
    }

    /// Says that columns which were not read are no mistake.
    public mutating func ignoreRest() { readByName = true }

    /// Fails when columns were left over by reading in order.
    func checkComplete() throws(RowError) {
        if !readByName, position != result.columnCount {
            throw RowError(.columnCount(result.columnCount), column: "", position: nil, expected: "\(position)")
        }
    }

    private func read<Value: PostgresDecodable>(_ index: Int) throws(RowError) -> Value {
        let cell = PostgresCell(
            value: result.value(row: row, column: index), type: result.columnType(index))
        do {
            return try Value(cell)
        } catch {
            throw RowError(
                error.problem, column: result.columnName(index), position: index,
                expected: "\(Value.self)", found: TypeOID.name(cell.type))
        }
    }
}

extension ResultHandle {
    /// All rows, decoded.
    func decode<Row: PostgresRow>(_ type: Row.Type) throws(DatabaseError) -> [Row] {
        let count = rowCount
        var rows: [Row] = []
        rows.reserveCapacity(count)
        for index in 0..<count { rows.append(try decodeRow(index)) }
        return rows
    }

    /// The only row, or nil when there is none.
    func decodeFirst<Row: PostgresRow>(_ type: Row.Type) throws(DatabaseError) -> Row? {
        switch rowCount {
        case 0: return nil
        case 1: return try decodeRow(0)
        case let count:
            throw .decoding(RowError(.rowCount(count), column: "", position: nil, expected: "at most one"))
        }
    }

    private func decodeRow<Row: PostgresRow>(_ index: Int) throws(DatabaseError) -> Row {
        do {
            var reader = RowReader(self, row: index)
            let row = try Row(&reader)
            try reader.checkComplete()
            return row
        } catch {
            throw .decoding(error)
        }
    }
}
