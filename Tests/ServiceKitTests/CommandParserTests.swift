import Locking
import Testing

@testable import ServiceKit

@Suite struct CommandParserTests {
    private static let client = CommandOption<String>.required("--client", "CLIENT", .text, help: "who")
    private static let days = CommandOption<Int?>.optional("--days", "N", .integer(in: 1...9), help: "how long")
    private static let force = CommandOption<Bool>.flag("--force", help: "do it")
    private static let id = CommandArgument<Int>("ID", .integer(in: 0...99), help: "which")

    private static let tree = ConsoleCommand(
        "tool", "does things",
        subcommands: [
            ConsoleCommand(
                "make", "makes one", options: [client.declared, days.declared, force.declared], arguments: [id.declared]
            ) { invocation, console in
                console.line("\(invocation[client]) \(invocation[days] ?? 0) \(invocation[force]) \(invocation[id])")
                return .success
            },
            ConsoleCommand(
                "token", "groups",
                subcommands: [
                    ConsoleCommand("fail", "fails") { _, _ in throw CommandFailure("it\nbroke") },
                    ConsoleCommand("config", "has no configuration") { _, _ in
                        throw ConfigurationProblems(["A is wrong", "B is wrong"])
                    },
                ]),
        ])

    private func parsed(_ words: String...) -> Invocation? {
        if case .run(let invocation, _) = CommandParser.parse(words, with: Self.tree) { return invocation }
        return nil
    }

    private func run(_ words: [String]) async -> (status: ExitCode, out: String, error: String) {
        let texts = Locked((out: "", error: ""))
        let console = Console(
            out: { text in texts.withLock { $0.out += text } }, error: { text in texts.withLock { $0.error += text } })
        let status = await CommandParser.run(words, with: Self.tree, console: console)
        let (out, error) = texts.withLock { $0 }
        return (status, out, error)
    }

    @Test("options and arguments come in any order and either spelling")
    func values() {
        let expected = Invocation(
            path: ["tool", "make"], options: ["--client": "a", "--days": "3", "--force": "true"], arguments: ["ID": "7"])
        #expect(parsed("make", "--client", "a", "--days", "3", "--force", "7") == expected)
        #expect(parsed("make", "7", "--force", "--days=3", "--client=a") == expected)
        #expect(parsed("make", "--client=a", "--days=3", "--force", "--", "7") == expected)
    }

    @Test("a command sees typed values")
    func typed() async {
        let done = await run(["make", "--client", "a", "7"])
        #expect(done.status == .success && done.out == "a 0 false 7\n" && done.error.isEmpty)
    }

    @Test("help is given at every level, on stdout, with exit 0", arguments: [["--help"], ["token", "--help"], ["make", "--help"], ["make", "-h", "--nonsense"]])
    func help(words: [String]) async {
        let done = await run(words)
        #expect(done.status == .success && done.error.isEmpty)
        #expect(done.out.hasPrefix("Usage: tool"))
    }

    @Test(
        "what is not understood is told on stderr with the usage, and exit 2",
        arguments: [
            ([], "a command is missing"), (["mkae"], "unknown command mkae; did you mean make?"),
            (["--frce"], "unknown option --frce"), (["token"], "a command is missing"),
            (["make", "--client", "a"], "ID is missing"), (["make", "7"], "--client is required"),
            (["make", "--client", "a", "7", "8"], "unexpected argument 8"), (["make", "--client"], "--client lacks its value"),
            (["make", "--client", "a", "--clinet", "b", "7"], "unknown option --clinet; did you mean --client?"),
            (["make", "--client", "a", "--client", "b", "7"], "--client is given twice"),
            (["make", "--client", "a", "--days", "10", "7"], "--days must be a whole number from 1 to 9"),
            (["make", "--client", "a", "--force=true", "7"], "--force takes no value"),
            (["make", "--client", "a", "x"], "ID must be a whole number from 0 to 99"),
        ] as [([String], String)])
    func usage(words: [String], problem: String) async {
        let done = await run(words)
        #expect(done.status == .usage && done.out.isEmpty)
        #expect(done.error.hasPrefix("tool: \(problem)\n\nUsage: tool"), "\(done.error)")
    }

    @Test("a failure is one line on stderr, with its exit code")
    func failure() async {
        let done = await run(["token", "fail"])
        #expect(done.status == .failure && done.error == "tool: it\nbroke\n")
        let configuration = await run(["token", "config"])
        #expect(configuration.status == .configuration && configuration.error == "tool: A is wrong\ntool: B is wrong\n")
    }
}
