/// One SQL statement with its bound values, and the type its rows decode into (`Void` for a command without rows).
///
/// Interpolated values become parameters; nothing is ever pasted into the text except by `raw:` (a literal of the source),
/// `identifier:` (quoted) and fragments, which carry their own parameters.
///
/// ```swift
/// let sql: SQL<Job> = "SELECT id, state FROM job WHERE id = \(id)"
/// ```
public struct SQL<Row>: Sendable, ExpressibleByStringInterpolation {
    /// The text with `$1`, `$2`, … in place of the values.
    public let text: String
    let parameters: ParameterList

    /// A fixed text without parameters, such as a migration's file.
    public init(text: String) {
        self.text = text
        parameters = ParameterList()
    }

    init(text: String, parameters: ParameterList) {
        self.text = text
        self.parameters = parameters
    }

    public init(stringLiteral value: String) { self.init(text: value) }

    public init(stringInterpolation: SQLInterpolation) {
        text = stringInterpolation.text
        parameters = stringInterpolation.parameters
    }

    /// The same statement with rows of another type, or a piece to be put into another one.
    public func cast<Other>(to other: Other.Type = Other.self) -> SQL<Other> {
        SQL<Other>(text: text, parameters: parameters)
    }
}

/// A statement of which no rows are wanted.
public typealias Command = SQL<Void>
/// A part of a statement, for clauses that are put together at run time.
public typealias SQLFragment = SQL<Never>

/// Gathers the text and the parameters of an ``SQL`` literal.
public struct SQLInterpolation: StringInterpolationProtocol, Sendable {
    var text = ""
    var parameters = ParameterList()

    public init(literalCapacity: Int, interpolationCount: Int) {
        text.reserveCapacity(literalCapacity + 4 * interpolationCount)
    }

    public mutating func appendLiteral(_ literal: String) { text += literal }

    /// Binds a value.
    public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value) {
        parameters.append(value, textOffset: text.utf8.count)
        appendMarker(parameters.count)
    }

    /// Binds a value or NULL.
    public mutating func appendInterpolation<Value: PostgresEncodable>(_ value: Value?) {
        parameters.append(value, textOffset: text.utf8.count)
        appendMarker(parameters.count)
    }

    /// Pastes a literal of the source text.
    public mutating func appendInterpolation(raw literal: StaticString) {
        text += literal.description
    }

    /// Pastes a quoted identifier. U+0000 ends up as an error of the server.
    public mutating func appendInterpolation(identifier name: String) {
        text += quotedIdentifier(name)
    }

    /// Pastes a piece of SQL with its own parameters, renumbered.
    public mutating func appendInterpolation<Part>(_ fragment: SQL<Part>) {
        var offsets: [Int] = []
        var rest = fragment.text.utf8[...]
        var consumed = 0
        for (index, slot) in fragment.parameters.slots.enumerated() {
            let head = rest.prefix(slot.textOffset - consumed)
            text += String(Substring(head))
            offsets.append(text.utf8.count)
            appendMarker(parameters.count + index + 1)
            let marker = 1 + decimalDigits(index + 1)
            rest = rest.dropFirst(head.count + marker)
            consumed = slot.textOffset + marker
        }
        text += String(Substring(rest))
        parameters.append(fragment.parameters) { offsets[$0] }
    }

    private mutating func appendMarker(_ number: Int) {
        text += "$"
        text += String(number)
    }
}

extension SQL {
    /// Pieces one behind the other, with `separator` between them.
    public static func joined(_ pieces: [SQLFragment], separator: StaticString) -> SQL {
        var result = SQLInterpolation(literalCapacity: 64, interpolationCount: pieces.count)
        for (index, piece) in pieces.enumerated() {
            if index > 0 { result.appendInterpolation(raw: separator) }
            result.appendInterpolation(piece)
        }
        return SQL(stringInterpolation: result)
    }
}

func quotedIdentifier(_ name: String) -> String {
    var quoted = "\""
    for character in name.unicodeScalars {
        if character == "\"" { quoted += "\"" }
        quoted.unicodeScalars.append(character)
    }
    return quoted + "\""
}

private func decimalDigits(_ number: Int) -> Int {
    var digits = 1
    var rest = number
    while rest >= 10 {
        rest /= 10
        digits += 1
    }
    return digits
}
