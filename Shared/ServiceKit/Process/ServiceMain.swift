import EventLoop
import Glibc

/// The command line of a service.
public enum ServiceMain {
    /// Understands the process's arguments, does what they ask and ends the process with the right code.
    ///
    /// ```swift
    /// @main struct Main {
    ///     static func main() async { await ServiceMain.run(definition) }
    /// }
    /// ```
    public static func run<Role>(_ definition: ServiceDefinition<Role>) async -> Never {
        let words = Array(Swift.CommandLine.arguments.dropFirst())
        let status = await CommandParser.run(words, with: command(of: definition), console: .standard)
        // Not `exit`: handlers of libraries would take down what threads that have not ended yet still use.
        fflush(nil)
        _exit(status.rawValue)
    }

    /// The command tree of a service.
    public static func command<Role>(of definition: ServiceDefinition<Role>) -> ConsoleCommand {
        let schema = definition.schema
        var commands = [
            ConsoleCommand("serve", "runs the service until SIGTERM or SIGINT") { _, console in
                let configuration = try ConfigurationLoader.process.load(schema)
                return try await ServiceProcess(definition, configuration).run()
            },
            ConsoleCommand("migrate", "brings the database's schema up to date and grants the serving role its rights") {
                _, console in
                let configuration = try ConfigurationLoader.process.load(schema)
                return try await MigrateCommand(definition.migrations, definition.grants).run(configuration, console)
            },
            ConsoleCommand("check-config", "shows the configuration in force, secrets redacted") { _, console in
                let configuration = try ConfigurationLoader.process.load(schema)
                for line in configuration.report { console.line(line) }
                return .success
            },
        ]
        if !definition.tokenRoles.isEmpty {
            commands.append(
                TokenCommands.command(schema, roles: definition.tokenRoles.map(\.rawValue), prefix: definition.tokenPrefix))
        }
        commands += definition.commands
        commands.append(
            ConsoleCommand("version", "shows the version") { _, console in
                console.line("\(definition.name) \(definition.version)")
                return .success
            })
        return ConsoleCommand(definition.name, definition.summary, subcommands: commands)
    }
}

extension ServiceDefinition {
    /// A command that runs the work beside requests until SIGTERM or SIGINT, without an API. Health and metrics are served on
    /// `TRIVET_ADMIN_LISTEN`, or else on `TRIVET_LISTEN`, which has a default of its own here: beside a process that serves, on
    /// the same port, the kernel would share the connections out between the two.
    ///
    /// - Parameter problem: what is wrong with a configuration for such a process; nil where nothing is.
    public func backgroundCommand(
        _ name: String, _ summary: String, defaultPort: Int, problem: @escaping @Sendable (Configuration) -> String?
    ) -> ConsoleCommand {
        var definition = self
        definition.defaultPort = defaultPort
        return ConsoleCommand(name, summary) { [definition] _, _ in
            let configuration = try ConfigurationLoader.process.load(definition.schema)
            if let problem = problem(configuration) { throw ConfigurationProblems([problem]) }
            return try await ServiceProcess(definition, configuration, hasAPI: false).run()
        }
    }
}
