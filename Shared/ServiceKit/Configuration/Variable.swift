/// One declared environment variable: its name, type, default and meaning.
///
/// A variable is a constant of the service; `Configuration` gives its value by `configuration[variable]`.
public struct Variable<Value: Sendable>: Sendable {
    /// How a value may be shown by `check-config`.
    public enum Disclosure: Sendable {
        case plain
        /// Shown as `[redacted]`.
        case secret
        /// A URL, shown without its password.
        case url
    }

    /// The whole name, with the prefix `TRIVET_`.
    public let name: String
    public let help: String
    public let parser: ValueParser<Value>
    public let disclosure: Disclosure
    /// What holds where the variable is not set: nil for a variable that must be set.
    public let fallback: Value?
    /// `fallback` as text, for the help; nil where there is none to show.
    public let fallbackText: String?

    private init(
        _ name: String, _ parser: ValueParser<Value>, fallback: Value?, fallbackText: String?, disclosure: Disclosure,
        help: String
    ) {
        self.name = name
        self.help = help
        self.parser = parser
        self.disclosure = disclosure
        self.fallback = fallback
        self.fallbackText = fallbackText
    }

    /// A variable that must be set.
    public static func required(
        _ name: String, _ parser: ValueParser<Value>, disclosure: Disclosure = .plain, help: String
    ) -> Self {
        Self(name, parser, fallback: nil, fallbackText: nil, disclosure: disclosure, help: help)
    }

    /// A variable with a default, given as text and read by the same parser.
    ///
    /// A default that its own parser refuses is a mistake of the programmer and stops the process at once.
    public static func defaulted(
        _ name: String, _ parser: ValueParser<Value>, to text: String, disclosure: Disclosure = .plain, help: String
    ) -> Self {
        let fallback = parser.parse(text)
        precondition(fallback != nil, "the default of \(name) is malformed")
        return Self(name, parser, fallback: fallback, fallbackText: text, disclosure: disclosure, help: help)
    }

    /// A variable that may be absent: `Variable<String?>.optional("TRIVET_X", .text, help: "…")`.
    public static func optional<Wrapped: Sendable>(
        _ name: String, _ parser: ValueParser<Wrapped>, disclosure: Disclosure = .plain, help: String
    ) -> Self where Value == Wrapped? {
        Self(
            name, parser.optional, fallback: .some(nil), fallbackText: nil, disclosure: disclosure, help: help)
    }

    /// This variable without its type, for the list of all.
    public var declared: DeclaredVariable { DeclaredVariable(self) }
}

/// A declared variable whose type is forgotten: what the loader and the help need.
public struct DeclaredVariable: Sendable {
    enum Parsed {
        case value(any Sendable)
        case malformed
    }

    public let name: String
    public let help: String
    public let isRequired: Bool
    public let isSecret: Bool
    public let fallbackText: String?
    let expected: String
    let fallback: (any Sendable)?
    let parse: @Sendable (String) -> Parsed
    private let isURL: Bool

    init<Value>(_ variable: Variable<Value>) {
        name = variable.name
        help = variable.help
        isRequired = variable.fallback == nil
        fallbackText = variable.fallbackText
        expected = variable.parser.expected
        if let value = variable.fallback { fallback = value } else { fallback = nil }
        if case .secret = variable.disclosure { isSecret = true } else { isSecret = false }
        if case .url = variable.disclosure { isURL = true } else { isURL = false }
        let parser = variable.parser.parse
        parse = { text in
            guard let value = parser(text) else { return .malformed }
            return .value(value)
        }
    }

    /// `text` as it may be shown.
    func shown(_ text: String) -> String {
        if isSecret { return Redaction.mark }
        return isURL ? Redaction.url(text) : text
    }
}
