/// Turns words into an invocation, or into the text that should be shown instead.
public enum CommandParser {
    public enum Outcome: Sendable {
        case run(Invocation, ConsoleCommand.Body)
        /// Help was asked for: stdout, exit 0.
        case help(String)
        /// The words were not understood: stderr, exit 2.
        case usage(String)
    }

    /// - Parameter words: the command line without the executable's name.
    public static func parse(_ words: [String], with root: ConsoleCommand) -> Outcome {
        var command = root
        var path = [root.name]
        var rest = words[...]
        while let word = rest.first, command.body == nil {
            if isHelp(word) { return .help(CommandHelp.text(of: command, path: path)) }
            guard let next = command.subcommands.first(where: { $0.name == word }) else {
                return refused(unknownCommand(word, of: command), command, path)
            }
            command = next
            path.append(word)
            rest = rest.dropFirst()
        }
        guard let body = command.body else { return refused("a command is missing", command, path) }
        if rest.prefix(while: { $0 != "--" }).contains(where: isHelp) {
            return .help(CommandHelp.text(of: command, path: path))
        }
        return parse(rest, command, path, body)
    }

    /// Parses, runs and reports: the whole of a service's main.
    public static func run(_ words: [String], with root: ConsoleCommand, console: Console) async -> ExitCode {
        switch parse(words, with: root) {
        case .help(let text):
            console.line(text)
            return .success
        case .usage(let text):
            console.error(text)
            return .usage
        case .run(let invocation, let body):
            do {
                return try await body(invocation, console)
            } catch let failure as CommandFailure {
                console.error("\(root.name): \(failure.message)")
                return failure.status
            } catch let problems as ConfigurationProblems {
                for line in problems.lines { console.error("\(root.name): \(line)") }
                return .configuration
            } catch {
                console.error("\(root.name): \(LogEscape.visible(FailureText.of(error)))")
                return .failure
            }
        }
    }

    private static func isHelp(_ word: String) -> Bool { word == "--help" || word == "-h" }

    private static func parse(
        _ words: ArraySlice<String>, _ command: ConsoleCommand, _ path: [String], _ body: @escaping ConsoleCommand.Body
    ) -> Outcome {
        var options: [String: String] = [:]
        var positional: [String] = []
        var rest = words
        var optionsEnded = false
        while let word = rest.popFirst() {
            if optionsEnded || !word.hasPrefix("-") || word == "-" {
                positional.append(word)
                continue
            }
            if word == "--" {
                optionsEnded = true
                continue
            }
            let equals = word.firstIndex(of: "=")
            let name = equals.map { String(word[..<$0]) } ?? word
            guard let option = command.options.first(where: { $0.name == name }) else {
                let hint = NearestName.of(name, among: command.options.map(\.name)).map { "; did you mean \($0)?" } ?? ""
                return refused("unknown option \(LogEscape.visible(name))\(hint)", command, path)
            }
            guard options[name] == nil else { return refused("\(name) is given twice", command, path) }
            let value: String
            if option.isFlag {
                guard equals == nil else { return refused("\(name) takes no value", command, path) }
                value = "true"
            } else if let equals {
                value = String(word[word.index(after: equals)...])
            } else if let next = rest.popFirst() {
                value = next
            } else {
                return refused("\(name) lacks its value", command, path)
            }
            guard option.accepts(value) else { return refused("\(name) must be \(option.expected)", command, path) }
            options[name] = value
        }
        if let missing = command.options.first(where: { $0.isRequired && options[$0.name] == nil }) {
            return refused("\(missing.name) is required", command, path)
        }
        guard positional.count <= command.arguments.count else {
            let extra = positional[command.arguments.count]
            return refused("unexpected argument \(LogEscape.visible(extra))", command, path)
        }
        var arguments: [String: String] = [:]
        for (index, argument) in command.arguments.enumerated() {
            guard index < positional.count else { return refused("\(argument.name) is missing", command, path) }
            guard argument.accepts(positional[index]) else {
                return refused("\(argument.name) must be \(argument.expected)", command, path)
            }
            arguments[argument.name] = positional[index]
        }
        return .run(Invocation(path: path, options: options, arguments: arguments), body)
    }

    private static func unknownCommand(_ word: String, of command: ConsoleCommand) -> String {
        let kind = word.hasPrefix("-") ? "option" : "command"
        let hint = NearestName.of(word, among: command.subcommands.map(\.name)).map { "; did you mean \($0)?" } ?? ""
        return "unknown \(kind) \(LogEscape.visible(word))\(hint)"
    }

    private static func refused(_ problem: String, _ command: ConsoleCommand, _ path: [String]) -> Outcome {
        .usage("\(path[0]): \(problem)\n\n" + CommandHelp.text(of: command, path: path))
    }
}
