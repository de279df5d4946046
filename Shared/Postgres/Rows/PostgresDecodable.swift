/// A value that can be read from one column.
public protocol PostgresDecodable: Sendable {
    init(_ cell: PostgresCell) throws(CellError)

    /// Reads an array of such values; `[UInt8]` is read from bytea.
    static func decodeArray(_ cell: PostgresCell) throws(CellError) -> [Self]
}

/// One value of a result in binary format. Valid while it is being decoded.
public struct PostgresCell {
    /// nil for NULL.
    public let value: UnsafeRawBufferPointer?
    /// OID of the column's type.
    public let type: UInt32

    /// The bytes of a value that may not be NULL.
    public func bytes() throws(CellError) -> UnsafeRawBufferPointer {
        guard let value else { throw .null }
        return value
    }

    /// A big-endian integer that takes the whole value.
    func integer<T: FixedWidthInteger>(_ type: T.Type) throws(CellError) -> T {
        let bytes = try bytes()
        guard bytes.count == MemoryLayout<T>.size else { throw .value("\(bytes.count) bytes") }
        return T(bigEndian: bytes.loadUnaligned(as: T.self))
    }
}

/// Why a cell does not give a value. ``RowReader`` adds the column.
public struct CellError: Error, Sendable, Hashable {
    public let problem: RowError.Problem
    public init(_ problem: RowError.Problem) { self.problem = problem }

    public static let null = CellError(.null)
    public static let type = CellError(.type)
    public static func value(_ why: String) -> CellError { CellError(.value(why)) }
}

extension PostgresDecodable {
    public static func decodeArray(_ cell: PostgresCell) throws(CellError) -> [Self] {
        var reader = ArrayCellReader(try cell.bytes())
        let count = try reader.header()
        var values: [Self] = []
        values.reserveCapacity(count)
        for _ in 0..<count { values.append(try Self(try reader.element())) }
        return values
    }
}

extension PostgresDecodable where Self: RawRepresentable, RawValue: PostgresDecodable {
    public init(_ cell: PostgresCell) throws(CellError) {
        guard let value = Self(rawValue: try RawValue(cell)) else { throw .value("not one of its cases") }
        self = value
    }
}

extension Optional: PostgresDecodable where Wrapped: PostgresDecodable {
    public init(_ cell: PostgresCell) throws(CellError) {
        self = cell.value == nil ? nil : try Wrapped(cell)
    }
}

extension Array: PostgresDecodable where Element: PostgresDecodable {
    public init(_ cell: PostgresCell) throws(CellError) { self = try Element.decodeArray(cell) }
}

/// Walks through `array_send`'s format: one dimension at most.
struct ArrayCellReader {
    private var rest: UnsafeRawBufferPointer
    private var elementType: UInt32 = 0

    init(_ bytes: UnsafeRawBufferPointer) { rest = bytes }

    /// Returns the number of elements.
    mutating func header() throws(CellError) -> Int {
        let dimensions = try take(Int32.self)
        _ = try take(Int32.self)
        elementType = try take(UInt32.self)
        if dimensions == 0 { return 0 }
        guard dimensions == 1 else { throw .value("an array of \(dimensions) dimensions") }
        let count = try take(Int32.self)
        _ = try take(Int32.self)
        // Each element has at least its length.
        guard count >= 0, Int(count) <= rest.count / 4 else { throw .value("not an array") }
        return Int(count)
    }

    mutating func element() throws(CellError) -> PostgresCell {
        let length = Int(try take(Int32.self))
        if length < 0 { return PostgresCell(value: nil, type: elementType) }
        guard length <= rest.count else { throw .value("not an array") }
        defer { rest = UnsafeRawBufferPointer(rebasing: rest[length...]) }
        return PostgresCell(value: UnsafeRawBufferPointer(rebasing: rest[..<length]), type: elementType)
    }

    private mutating func take<T: FixedWidthInteger>(_ type: T.Type) throws(CellError) -> T {
        let size = MemoryLayout<T>.size
        guard rest.count >= size else { throw .value("not an array") }
        defer { rest = UnsafeRawBufferPointer(rebasing: rest[size...]) }
        return T(bigEndian: rest.loadUnaligned(as: T.self))
    }
}
