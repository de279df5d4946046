/// The help of one level of a command tree.
enum CommandHelp {
    static func text(of command: ConsoleCommand, path: [String]) -> String {
        var lines = ["Usage: " + usage(of: command, path: path), "", command.summary]
        lines += table("Commands", command.subcommands.map { ($0.name, $0.summary) })
        lines += table("Arguments", command.arguments.map { ($0.name, $0.help) })
        let options = command.options.map { option in
            (option.isFlag ? option.name : "\(option.name) \(option.placeholder)", option.help)
        }
        lines += table("Options", options + [("--help", "shows this help")])
        return lines.joined(separator: "\n")
    }

    private static func usage(of command: ConsoleCommand, path: [String]) -> String {
        var words = path
        if command.body == nil { words.append("COMMAND") }
        for option in command.options {
            let shown = option.isFlag ? option.name : "\(option.name) \(option.placeholder)"
            words.append(option.isRequired ? shown : "[\(shown)]")
        }
        words += command.arguments.map(\.name)
        return words.joined(separator: " ")
    }

    private static func table(_ title: String, _ rows: [(String, String)]) -> [String] {
        guard !rows.isEmpty else { return [] }
        let width = rows.map { $0.0.count }.max() ?? 0
        return ["", "\(title):"]
            + rows.map { "  \($0.0)" + String(repeating: " ", count: width - $0.0.count + 2) + $0.1 }
    }
}
