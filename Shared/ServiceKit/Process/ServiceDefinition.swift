public import EventLoop
public import Postgres

/// What makes a service: everything its `main` declares. `ServiceMain.run` turns it into a command line.
public struct ServiceDefinition<Role: ServiceRole>: Sendable {
    /// The executable's name.
    public var name: String
    public var version: String
    /// One line for the help.
    public var summary: String
    /// Port of `TRIVET_LISTEN` where nothing is set.
    public var defaultPort: Int
    /// The service's own variables and rules, beside the common ones.
    public var configuration: ConfigurationSchema
    public var migrations: [Migration]
    /// All that the serving role may do.
    public var grants: [Grant]
    /// First word of its tokens.
    public var tokenPrefix: StaticString
    /// Roles that a token may have; others are for people.
    public var tokenRoles: [Role] = Array(Role.allCases)
    /// The service's own commands, beside serve, migrate, check-config, token and version.
    public var commands: [ConsoleCommand]
    /// Adjusts how the service reaches its database: timeouts, pools, queues.
    public var tuneDatabase: @Sendable (inout DatabaseConfiguration) -> Void = { _ in }
    /// Builds the graph of the service. Must not wait for the database: the service starts without it.
    public var build: @Sendable (ServiceRuntime) async throws -> ServiceApplication<Role>

    public init(
        name: String, version: String, summary: String, defaultPort: Int,
        configuration: ConfigurationSchema = ConfigurationSchema([]), migrations: [Migration], grants: [Grant],
        tokenPrefix: StaticString = TokenAuthenticator.defaultPrefix, commands: [ConsoleCommand] = [],
        build: @escaping @Sendable (ServiceRuntime) async throws -> ServiceApplication<Role>
    ) {
        self.name = name
        self.version = version
        self.summary = summary
        self.defaultPort = defaultPort
        self.configuration = configuration
        self.migrations = migrations
        self.grants = grants
        self.tokenPrefix = tokenPrefix
        self.commands = commands
        self.build = build
    }

    /// The common variables and the service's own.
    public var schema: ConfigurationSchema { CommonVariables.schema(defaultPort: defaultPort) + configuration }

    var listen: Variable<SocketAddress> { CommonVariables.listen(defaultPort: defaultPort) }
}

/// What a running process offers to the service it runs.
public struct ServiceRuntime: Sendable {
    public let configuration: Configuration
    public let loops: LoopGroup
    public let database: Database
    public let logger: Logger
    public let metrics: Metrics
    /// `TRIVET_PUBLIC_URL`, or what the listener suggests: an origin without a path.
    public let publicURL: String
}

/// A service ready to answer.
public struct ServiceApplication<Role: ServiceRole>: Sendable {
    public var routes: [Route<Role>]
    public var envelope: any ErrorEnvelope
    /// nil for access tokens from the database.
    public var authenticator: (any RequestAuthenticator)?
    public var options = ResponderOptions()
    /// Work beside requests. Each runs from the start, on a loop, and is cancelled when the service stops; one that throws
    /// or returns is logged and not started again.
    public var background: [BackgroundTask] = []
    /// Conditions of readiness beside the database: a reason for each that does not hold.
    public var readiness: [@Sendable () async -> String?] = []
    /// Longest wait for the work beside requests to end; nil for `TRIVET_SHUTDOWN_GRACE_MS`.
    public var stopLimit: Duration?
    /// Called once the last request has ended, before the database is closed.
    public var shutdown: (@Sendable () async -> Void)?

    public init(routes: [Route<Role>], envelope: any ErrorEnvelope) {
        self.routes = routes
        self.envelope = envelope
    }
}

/// Work that a service does beside its requests.
public struct BackgroundTask: Sendable {
    /// When a service that stops cancels the task.
    public enum Stop: Sendable {
        /// With the listener, while requests are still running: work that takes on more work.
        case atOnce
        /// When the last request has ended: work that requests rely on.
        case afterRequests
    }

    public let name: String
    public let stop: Stop
    let body: @Sendable () async throws -> Void

    public init(_ name: String, stop: Stop = .afterRequests, _ body: @escaping @Sendable () async throws -> Void) {
        self.name = name
        self.stop = stop
        self.body = body
    }
}
