extension String: PostgresDecodable {
    /// From text types, enums, JSON, numeric and users' types that send text.
    public init(_ cell: PostgresCell) throws(CellError) {
        var bytes = try cell.bytes()
        switch cell.type {
        case TypeOID.text, TypeOID.varchar, TypeOID.bpchar, TypeOID.name, TypeOID.unknown, TypeOID.json, TypeOID.xml,
            TypeOID.firstOfUsers...:
            break
        case TypeOID.jsonb:
            guard bytes.first == 1 else { throw .value("jsonb of another version") }
            bytes = UnsafeRawBufferPointer(rebasing: bytes.dropFirst())
        case TypeOID.numeric:
            self = try NumericCell(bytes).text
            return
        default: throw .type
        }
        guard let text = String(validating: bytes.bindMemory(to: UInt8.self), as: UTF8.self) else {
            throw .value("not UTF-8")
        }
        self = text
    }
}

extension JSONText: PostgresDecodable {
    public init(_ cell: PostgresCell) throws(CellError) {
        let bytes = try cell.bytes()
        switch cell.type {
        case TypeOID.json: self.init(utf8: Array(bytes))
        case TypeOID.jsonb:
            guard bytes.first == 1 else { throw .value("jsonb of another version") }
            self.init(utf8: Array(bytes.dropFirst()))
        default: throw .type
        }
    }
}

extension Bool: PostgresDecodable {
    public init(_ cell: PostgresCell) throws(CellError) {
        let bytes = try cell.bytes()
        guard cell.type == TypeOID.bool else { throw .type }
        guard bytes.count == 1 else { throw .value("\(bytes.count) bytes") }
        self = bytes[0] != 0
    }
}

extension PostgresCell {
    /// Any integer type, or a whole numeric (as `sum(bigint)` gives).
    fileprivate func anyInteger() throws(CellError) -> Int64 {
        let bytes = try bytes()
        switch type {
        case TypeOID.int8: return try integer(Int64.self)
        case TypeOID.int4: return Int64(try integer(Int32.self))
        case TypeOID.int2: return Int64(try integer(Int16.self))
        case TypeOID.oid, TypeOID.xid: return Int64(try integer(UInt32.self))
        case TypeOID.xid8:
            guard let value = Int64(exactly: try integer(UInt64.self)) else { throw .value("out of range") }
            return value
        case TypeOID.numeric:
            guard let value = try NumericCell(bytes).wholeNumber else { throw .value("out of range or not whole") }
            return value
        default: throw .type
        }
    }

    fileprivate func exactInteger<T: FixedWidthInteger>(_ target: T.Type) throws(CellError) -> T {
        guard let value = T(exactly: try anyInteger()) else { throw .value("out of range") }
        return value
    }
}

extension Int: PostgresDecodable {
    public init(_ cell: PostgresCell) throws(CellError) { self = try cell.exactInteger(Int.self) }
}

extension Int64: PostgresDecodable {
    public init(_ cell: PostgresCell) throws(CellError) { self = try cell.exactInteger(Int64.self) }
}

extension Int32: PostgresDecodable {
    public init(_ cell: PostgresCell) throws(CellError) { self = try cell.exactInteger(Int32.self) }
}

extension Int16: PostgresDecodable {
    public init(_ cell: PostgresCell) throws(CellError) { self = try cell.exactInteger(Int16.self) }
}

extension UInt8: PostgresDecodable {
    public init(_ cell: PostgresCell) throws(CellError) { self = try cell.exactInteger(UInt8.self) }

    public static func decodeArray(_ cell: PostgresCell) throws(CellError) -> [UInt8] {
        let bytes = try cell.bytes()
        guard cell.type == TypeOID.bytea else { throw .type }
        return Array(bytes)
    }
}

extension Double: PostgresDecodable {
    /// From float8, float4 and numeric (rounded to the nearest).
    public init(_ cell: PostgresCell) throws(CellError) {
        let bytes = try cell.bytes()
        switch cell.type {
        case TypeOID.float8: self.init(bitPattern: try cell.integer(UInt64.self))
        case TypeOID.float4: self.init(Float(bitPattern: try cell.integer(UInt32.self)))
        case TypeOID.numeric:
            guard let value = Double(try NumericCell(bytes).text) else { throw .value("not a number") }
            self = value
        default: throw .type
        }
    }
}
