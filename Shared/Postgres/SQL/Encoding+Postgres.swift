public import Encoding

extension UUID: PostgresEncodable, PostgresDecodable, PostgresRow {
    public static var postgresType: PostgresType { .uuid }

    public func encode(into bytes: inout ParameterBytes) {
        bytes.append(high)
        bytes.append(low)
    }

    public init(_ cell: PostgresCell) throws(CellError) {
        let bytes = try cell.bytes()
        guard cell.type == TypeOID.uuid else { throw .type }
        guard let value = UUID(bytes: bytes) else { throw .value("\(bytes.count) bytes") }
        self = value
    }
}

extension Timestamp: PostgresEncodable, PostgresDecodable, PostgresRow {
    /// From 1970-01-01 to 2000-01-01, where PostgreSQL begins to count.
    private static let epoch: Int64 = 946_684_800_000_000

    public static var postgresType: PostgresType { .timestamptz }

    /// Times before the year -290277 are clamped; the server refuses them anyway.
    public func encode(into bytes: inout ParameterBytes) {
        let (value, overflow) = microseconds.subtractingReportingOverflow(Timestamp.epoch)
        // Int64.min would say "-infinity".
        bytes.append(overflow || value == .min ? Int64.min + 1 : value)
    }

    public init(_ cell: PostgresCell) throws(CellError) {
        let value = try cell.integer(Int64.self)
        guard cell.type == TypeOID.timestamptz else { throw .type }
        if value == .max || value == .min { throw .value("infinity") }
        let (microseconds, overflow) = value.addingReportingOverflow(Timestamp.epoch)
        if overflow { throw .value("out of range") }
        self.init(microseconds: microseconds)
    }
}
