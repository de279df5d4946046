/// A value of a result that is not what the code asked for. Holds no value.
public struct RowError: Error, Sendable, Hashable, CustomStringConvertible {
    public enum Problem: Sendable, Hashable {
        /// The column is NULL, the Swift type is not optional.
        case null
        /// The column has another type than the Swift type can be read from.
        case type
        /// The type fits, this value does not: out of range, an unknown case, not UTF-8.
        case value(String)
        /// The result has no such column.
        case missing
        /// The result has a column more or less than the row type reads.
        case columnCount(Int)
        /// The statement gave another number of rows than was asked for.
        case rowCount(Int)
    }

    public let problem: Problem
    /// The column's name; empty when the problem is not about one column.
    public let column: String
    /// The column's position, from 0.
    public let position: Int?
    /// The Swift type that was asked for.
    public let expected: String
    /// The server's type that was found.
    public let found: String

    public init(_ problem: Problem, column: String, position: Int?, expected: String, found: String = "") {
        self.problem = problem
        self.column = column
        self.position = position
        self.expected = expected
        self.found = found
    }

    public var description: String {
        let place = "column \"\(column)\"" + (position.map { " (position \($0))" } ?? "")
        return switch problem {
        case .null: "\(place): NULL where \(expected) was expected"
        case .type: "\(place): \(found) where \(expected) was expected"
        case .value(let why): "\(place): \(found) does not give \(expected): \(why)"
        case .missing: "\(place) is not in the result; \(expected) was expected"
        case .columnCount(let count): "the result has \(count) columns; \(expected) were expected"
        case .rowCount(let count): "the statement gave \(count) rows; \(expected) was expected"
        }
    }
}
