/// What a service may be told by its environment: the declared variables and the rules between them.
public struct ConfigurationSchema: Sendable {
    /// A rule between several values: one line for each problem, empty when it holds. Rules run only when every value
    /// by itself is well formed.
    public typealias Rule = @Sendable (Configuration) -> [String]

    public let variables: [DeclaredVariable]
    public let rules: [Rule]

    public init(_ variables: [DeclaredVariable], rules: [Rule] = []) {
        self.variables = variables
        self.rules = rules
        let names = Set(variables.map(\.name))
        precondition(names.count == variables.count, "a variable is declared twice")
        precondition(names.allSatisfy { $0.hasPrefix(ConfigurationLoader.prefix) }, "a variable lacks its prefix")
    }

    /// The variables and rules of both.
    public static func + (left: Self, right: Self) -> Self {
        ConfigurationSchema(left.variables + right.variables, rules: left.rules + right.rules)
    }
}

/// The values in force. Immutable: read once at the start.
public struct Configuration: Sendable {
    /// Where a value came from.
    public enum Origin: Sendable, Equatable {
        case fallback
        case environment
        /// Read from the file at this path.
        case file(String)
        /// A credential handed over by systemd.
        case credential(String)
    }

    struct Entry: Sendable {
        let value: any Sendable
        /// As it may be shown.
        let shown: String?
        let origin: Origin
    }

    private let entries: [String: Entry]
    private let order: [String]

    init(entries: [String: Entry], order: [String]) {
        self.entries = entries
        self.order = order
    }

    /// The value of a declared variable. Asking for a variable that the schema does not declare, or under another type,
    /// is a mistake of the programmer and stops the process.
    public subscript<Value>(variable: Variable<Value>) -> Value {
        guard let entry = entries[variable.name] else {
            preconditionFailure("\(variable.name) is not declared by this service")
        }
        guard let value = entry.value as? Value else {
            preconditionFailure("\(variable.name) is declared with another type")
        }
        return value
    }

    /// Whether the variable was set by anyone.
    public func isSet<Value>(_ variable: Variable<Value>) -> Bool {
        entries[variable.name].map { $0.origin != .fallback } ?? false
    }

    /// One line per variable, `NAME=value` and where it came from, secrets redacted: what `check-config` prints.
    public var report: [String] {
        order.map { name in
            guard let entry = entries[name] else { return name }
            let origin =
                switch entry.origin {
                case .fallback: "default"
                case .environment: "environment"
                case .file(let path): "file \(path)"
                case .credential(let path): "credential \(path)"
                }
            return entry.shown.map { "\(name)=\($0)  # \(origin)" } ?? "# \(name) is not set"
        }
    }
}

/// Everything that is wrong with a configuration, one line each, in the order of declaration.
public struct ConfigurationProblems: Error, Equatable, CustomStringConvertible {
    public let lines: [String]

    public init(_ lines: [String]) { self.lines = lines }

    public var description: String { lines.joined(separator: "\n") }
}
