/// A command line as a value: a tree of commands with their options and arguments.
public struct ConsoleCommand: Sendable {
    /// What a command does. Results go to the console; a `CommandFailure` becomes its line and exit code.
    public typealias Body = @Sendable (Invocation, Console) async throws -> ExitCode

    public let name: String
    public let summary: String
    public let options: [DeclaredOption]
    public let arguments: [DeclaredArgument]
    public let subcommands: [ConsoleCommand]
    let body: Body?

    /// A command that does something.
    public init(
        _ name: String, _ summary: String, options: [DeclaredOption] = [], arguments: [DeclaredArgument] = [],
        run body: @escaping Body
    ) {
        self.name = name
        self.summary = summary
        self.options = options
        self.arguments = arguments
        self.subcommands = []
        self.body = body
    }

    /// A command that only groups others.
    public init(_ name: String, _ summary: String, subcommands: [ConsoleCommand]) {
        precondition(Set(subcommands.map(\.name)).count == subcommands.count, "a command is declared twice")
        self.name = name
        self.summary = summary
        self.options = []
        self.arguments = []
        self.subcommands = subcommands
        self.body = nil
    }
}

/// A command line that was understood.
public struct Invocation: Sendable, Equatable {
    /// The words that led to the command, the executable's name first.
    public let path: [String]
    let options: [String: String]
    let arguments: [String: String]

    public init(path: [String], options: [String: String] = [:], arguments: [String: String] = [:]) {
        self.path = path
        self.options = options
        self.arguments = arguments
    }

    /// The option's value or its default. Asking for an option that the command does not declare, or for a required one
    /// that parsing did not check, is a mistake of the programmer.
    public subscript<Value>(option: CommandOption<Value>) -> Value {
        if let text = options[option.name], let value = option.parser.parse(text) { return value }
        guard let fallback = option.fallback else {
            preconditionFailure("the command does not declare \(option.name)")
        }
        return fallback
    }

    public subscript<Value>(argument: CommandArgument<Value>) -> Value {
        guard let text = arguments[argument.name], let value = argument.parser.parse(text) else {
            preconditionFailure("the command does not declare \(argument.name)")
        }
        return value
    }
}
