/// One typed option of a command: `--client NAME`, or a switch without a value such as `--json`.
public struct CommandOption<Value: Sendable>: Sendable {
    /// With its dashes: `--client`.
    public let name: String
    public let help: String
    public let placeholder: String
    let parser: ValueParser<Value>
    let fallback: Value?

    private init(_ name: String, _ placeholder: String, _ parser: ValueParser<Value>, _ fallback: Value?, _ help: String) {
        precondition(name.hasPrefix("--") && name.utf8.count > 2, "an option's name begins with two dashes")
        self.name = name
        self.placeholder = placeholder
        self.parser = parser
        self.fallback = fallback
        self.help = help
    }

    public static func required(_ name: String, _ placeholder: String, _ parser: ValueParser<Value>, help: String) -> Self {
        Self(name, placeholder, parser, nil, help)
    }

    public static func defaulted(
        _ name: String, _ placeholder: String, _ parser: ValueParser<Value>, to value: Value, help: String
    ) -> Self {
        Self(name, placeholder, parser, value, help)
    }

    public static func optional<Wrapped: Sendable>(
        _ name: String, _ placeholder: String, _ parser: ValueParser<Wrapped>, help: String
    ) -> Self where Value == Wrapped? {
        Self(name, placeholder, parser.optional, .some(nil), help)
    }

    /// A switch: false unless it is given.
    public static func flag(_ name: String, help: String) -> Self where Value == Bool {
        Self(name, "", .flag, false, help)
    }

    public var declared: DeclaredOption { DeclaredOption(self) }
}

/// An option whose type is forgotten: what the parser and the help need.
public struct DeclaredOption: Sendable {
    let name: String
    let help: String
    let placeholder: String
    let isRequired: Bool
    let expected: String
    let accepts: @Sendable (String) -> Bool

    init<Value>(_ option: CommandOption<Value>) {
        name = option.name
        help = option.help
        placeholder = option.placeholder
        isRequired = option.fallback == nil
        expected = option.parser.expected
        let parse = option.parser.parse
        accepts = { parse($0) != nil }
    }

    var isFlag: Bool { placeholder.isEmpty }
}

/// One positional argument: `TOKEN_ID`. Always required.
public struct CommandArgument<Value: Sendable>: Sendable {
    public let name: String
    public let help: String
    let parser: ValueParser<Value>

    public init(_ name: String, _ parser: ValueParser<Value>, help: String) {
        self.name = name
        self.parser = parser
        self.help = help
    }

    public var declared: DeclaredArgument { DeclaredArgument(self) }
}

/// A positional argument whose type is forgotten.
public struct DeclaredArgument: Sendable {
    let name: String
    let help: String
    let expected: String
    let accepts: @Sendable (String) -> Bool

    init<Value>(_ argument: CommandArgument<Value>) {
        name = argument.name
        help = argument.help
        expected = argument.parser.expected
        let parse = argument.parser.parse
        accepts = { parse($0) != nil }
    }
}
