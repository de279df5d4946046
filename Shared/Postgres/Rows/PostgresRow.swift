/// A type that one row of a result becomes.
///
/// ```swift
/// struct Job: PostgresRow {
///     let id: UUID, attempt: Int
///     init(_ row: inout RowReader) throws(RowError) {
///         id = try row.next()
///         attempt = try row.next()
///     }
/// }
/// ```
public protocol PostgresRow: Sendable {
    /// Reads the columns in order with ``RowReader/next(_:)`` or by name. Columns that are left over are an error, unless ``RowReader/ignoreRest()`` was called.
    init(_ row: inout RowReader) throws(RowError)
}

extension PostgresRow where Self: PostgresDecodable {
    /// The only column of the row.
    public init(_ row: inout RowReader) throws(RowError) { self = try row.next() }
}

extension String: PostgresRow {}
extension Bool: PostgresRow {}
extension Int: PostgresRow {}
extension Int64: PostgresRow {}
extension Int32: PostgresRow {}
extension Int16: PostgresRow {}
extension Double: PostgresRow {}
extension JSONText: PostgresRow {}
extension Array: PostgresRow where Element: PostgresDecodable {}
extension Optional: PostgresRow where Wrapped: PostgresDecodable {}

/// A row read by position into a tuple: `SQL<Columns<Int, String?>>`, then `row.values.0`.
public struct Columns<each Value: PostgresDecodable>: PostgresRow {
    public let values: (repeat each Value)

    public init(_ row: inout RowReader) throws(RowError) {
        values = (repeat try row.next((each Value).self))
    }
}
