import EventLoop

/// Reads a configuration from the environment, from `NAME_FILE` files and from systemd credentials.
///
/// Each value has exactly one source; two at once are a problem, not a precedence rule to remember. An empty variable
/// counts as not set, as an empty line in a unit file or compose file means it.
public struct ConfigurationLoader: Sendable {
    static let prefix = "TRIVET_"
    /// Largest file read for a value, in bytes.
    static let fileBytesMax = 65_536

    private let environment: [String: String]

    public init(environment: [String: String]) {
        self.environment = environment
    }

    /// A loader over the environment of this process.
    public static var process: ConfigurationLoader { ConfigurationLoader(environment: ProcessEnvironment.current()) }

    public func load(_ schema: ConfigurationSchema) throws(ConfigurationProblems) -> Configuration {
        var problems = unknownNames(schema)
        var entries: [String: Configuration.Entry] = [:]
        for variable in schema.variables {
            switch entry(for: variable, schema) {
            case .success(let entry): entries[variable.name] = entry
            case .failure(let found): problems += found.lines
            }
        }
        guard problems.isEmpty else { throw ConfigurationProblems(problems) }
        let configuration = Configuration(entries: entries, order: schema.variables.map(\.name))
        problems = schema.rules.flatMap { $0(configuration) }
        guard problems.isEmpty else { throw ConfigurationProblems(problems) }
        return configuration
    }

    private func entry(
        for variable: DeclaredVariable, _ schema: ConfigurationSchema
    ) -> Result<Configuration.Entry, ConfigurationProblems> {
        let name = variable.name
        var sources: [(text: Result<String, ConfigurationProblems>, origin: Configuration.Origin, label: String)] = []
        if let text = environment[name], !text.isEmpty {
            sources.append((.success(text), .environment, name))
        }
        let fileName = name + "_FILE"
        let fileNameIsAVariable = schema.variables.contains { $0.name == fileName }
        if !fileNameIsAVariable, let path = environment[fileName], !path.isEmpty {
            sources.append((contents(of: path, for: fileName), .file(path), fileName))
        }
        if let (path, text) = credential(name) {
            sources.append((text, .credential(path), "the systemd credential \(name)"))
        }
        guard let source = sources.first else {
            if let value = variable.fallback {
                return .success(.init(value: value, shown: variable.fallbackText, origin: .fallback))
            }
            return .failure(ConfigurationProblems(["\(name) is required: \(variable.help)"]))
        }
        guard sources.count == 1 else {
            let labels = sources.map(\.label).joined(separator: " and ")
            return .failure(ConfigurationProblems(["\(name) is given more than once, by \(labels): keep one"]))
        }
        return source.text.flatMap { text in
            guard !text.isEmpty else {
                return .failure(ConfigurationProblems(["\(source.label) names an empty value"]))
            }
            guard case .value(let value) = variable.parse(text) else {
                let shown: String
                switch source.origin {
                case .environment where !variable.isSecret && variable.shown(text) == text:
                    shown = ", not \"\(LogEscape.visible(String(text.prefix(80))))\""
                default: shown = ""
                }
                return .failure(ConfigurationProblems(["\(source.label) must be \(variable.expected)\(shown)"]))
            }
            return .success(.init(value: value, shown: variable.shown(text), origin: source.origin))
        }
    }

    /// The text of a file without the newline that editors put at its end.
    private func contents(of path: String, for name: String) -> Result<String, ConfigurationProblems> {
        switch SmallFile.read(path, limit: Self.fileBytesMax) {
        case .failure(let reason):
            return .failure(ConfigurationProblems(["\(name): cannot read \(LogEscape.visible(path)): \(reason.text)"]))
        case .success(let bytes):
            var bytes = bytes[...]
            if bytes.last == 0x0A { bytes.removeLast() }
            if bytes.last == 0x0D { bytes.removeLast() }
            guard let text = String(validating: bytes, as: UTF8.self) else {
                return .failure(ConfigurationProblems(["\(name): \(LogEscape.visible(path)) is not UTF-8 text"]))
            }
            return .success(text)
        }
    }

    private func credential(_ name: String) -> (path: String, Result<String, ConfigurationProblems>)? {
        guard let directory = environment["CREDENTIALS_DIRECTORY"], !directory.isEmpty else { return nil }
        for candidate in [name, name.lowercased()] {
            let path = directory + "/" + candidate
            if SmallFile.exists(path) { return (path, contents(of: path, for: "the systemd credential \(candidate)")) }
        }
        return nil
    }

    private func unknownNames(_ schema: ConfigurationSchema) -> [String] {
        let known = schema.variables.map(\.name)
        var accepted = Set(known)
        for name in known { accepted.insert(name + "_FILE") }
        return environment.keys.filter { $0.hasPrefix(Self.prefix) && !accepted.contains($0) }.sorted().map { name in
            let hint = NearestName.of(name, among: known).map { "; did you mean \($0)?" } ?? ""
            return "\(LogEscape.visible(name)) is not a variable of this service\(hint)"
        }
    }
}
