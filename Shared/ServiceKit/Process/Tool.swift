public import EventLoop
public import Postgres

/// What a command that does one thing and ends has at hand: the configuration and a database.
public struct Tool: Sendable {
    /// Whose rights the command works under.
    public enum Role: Sendable {
        /// `TRIVET_DATABASE_URL`
        case serving
        /// `TRIVET_DATABASE_OWNER_URL`, or the serving role's where it is not set.
        case owner
    }

    public let configuration: Configuration
    public let database: Database
    public let loops: LoopGroup

    /// Reads the configuration of the process, opens the database, runs `body` on a loop and closes everything.
    public static func run<Result: Sendable>(
        _ schema: ConfigurationSchema, as role: Role, _ body: @escaping @Sendable (Tool) async throws -> Result
    ) async throws -> Result {
        try await run(ConfigurationLoader.process.load(schema), as: role, body)
    }

    static func run<Result: Sendable>(
        _ configuration: Configuration, as role: Role, _ body: @escaping @Sendable (Tool) async throws -> Result
    ) async throws -> Result {
        let serving = configuration[CommonVariables.databaseURL]
        var database = DatabaseConfiguration(
            url: role == .owner ? configuration[CommonVariables.databaseOwnerURL] ?? serving : serving)
        database.applicationName = "trivet-tool"
        database.sessions = 2
        // Somebody waits for the outcome, not for an answer in time.
        database.connectTimeout = .seconds(15)
        database.acquireTimeout = .seconds(20)
        let loops = LoopGroup(count: 1, name: "tool")
        loops.start()
        let tool = Tool(configuration: configuration, database: Database(database, loops: loops), loops: loops)
        tool.database.start()
        let outcome: Swift.Result<Result, any Error>
        do {
            outcome = .success(try await loops.loops[0].run { try await body(tool) })
        } catch {
            outcome = .failure(error)
        }
        await tool.database.close()
        loops.shutdown()
        return try outcome.get()
    }
}
