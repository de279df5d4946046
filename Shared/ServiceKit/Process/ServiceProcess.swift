import EventLoop
import HTTP
import Postgres
import Synchronization

/// `serve`: builds what a service needs, answers until it is told to stop, and stops in order.
///
/// It starts without its database, and without a current schema: `/readyz` says what is missing and turns to ready by itself.
struct ServiceProcess<Role: ServiceRole> {
    private let definition: ServiceDefinition<Role>
    private let configuration: Configuration
    private let environment = ProcessEnvironment.current()
    private let hasAPI: Bool

    /// - Parameter hasAPI: false runs the work beside requests alone: one listener, for health and metrics.
    init(_ definition: ServiceDefinition<Role>, _ configuration: Configuration, hasAPI: Bool = true) {
        self.definition = definition
        self.configuration = configuration
        self.hasAPI = hasAPI
    }

    /// Returns once everything has ended.
    func run() async throws -> ExitCode {
        let openFilesMax = ProcessLimits.raiseOpenFiles()
        let loops = LoopGroup(count: configuration[CommonVariables.eventLoops] ?? LoopGroup.coreCount)
        let format = configuration[CommonVariables.logFormat] ?? Logger.defaultFormat
        let logger = Logger(
            level: configuration[CommonVariables.logLevel], format: format, sink: .standardError(format), loops: loops)
        let metrics = Metrics(loops: loops)
        loops.start()
        var settings = DatabaseConfiguration(url: configuration[CommonVariables.databaseURL])
        settings.applicationName = definition.name
        definition.tuneDatabase(&settings)
        let database = Database(settings, loops: loops)
        database.start()
        var listeners = Listeners(configuration, definition.listen, environment)
        if !hasAPI { listeners.keepHealthAlone() }
        let runtime = ServiceRuntime(
            configuration: configuration, loops: loops, database: database, logger: logger, metrics: metrics,
            publicURL: configuration[CommonVariables.publicURL] ?? listeners.suggestedOrigin)
        var application = try await loops.loops[0].run { [definition] in try await definition.build(runtime) }
        if !hasAPI { application.routes = [] }
        let readiness = Readiness(database, definition.migrations, conditions: application.readiness)
        let servers = try makeServers(runtime, application, listeners, readiness)
        ProcessMetrics.register(
            metrics, service: definition.name, version: definition.version, loops: loops, database: database,
            logger: logger)
        ProcessMetrics.register(readiness, in: metrics)

        let notifier = SystemdNotifier(environment: environment)
        let signals = StopSignals(on: loops.loops[0]) { Self.reload(servers.all, notifier, logger) }
        try await signals.start()
        for server in servers.all { try server.start() }
        let background = Background(
            application.background.map { ($0.stop, Self.start($0, on: loops.nextLoop(), logger)) })
        loops.loops[0].spawn { _ = await readiness.check() }
        announce(servers, notifier, logger)
        warnIfShort(of: openFilesMax, logger)
        if let watchdog = Watchdog(notifier, loops) { loops.loops[0].execute { watchdog.start() } }

        let signal = await signals.wait()
        logger.info("stopping", .number("signal", Int(signal)))
        readiness.beginDraining()
        notifier.stopping()
        await stop(servers, background, application, database, loops)
        logger.info("stopped")
        loops.shutdown()
        logger.finish()
        return .success
    }

    // MARK: Steps

    private struct Servers: Sendable {
        let main: HTTPServer
        let admin: HTTPServer?

        var all: [HTTPServer] { [main] + (admin.map { [$0] } ?? []) }
    }

    private func makeServers(
        _ runtime: ServiceRuntime, _ application: ServiceApplication<Role>, _ listeners: Listeners,
        _ readiness: Readiness
    ) throws -> Servers {
        let health = HealthEndpoints(readiness, runtime.metrics)
        let responder = try ServiceResponder(
            routes: application.routes + (listeners.admin == nil ? health.routes() : []),
            authenticator: application.authenticator
                ?? TokenAuthenticator(runtime.database, loops: runtime.loops, prefix: definition.tokenPrefix),
            envelope: application.envelope, options: application.options, loops: runtime.loops, logger: runtime.logger,
            metrics: runtime.metrics)
        let main = HTTPServer(
            configuration: listeners.serverConfiguration(listeners.main), loops: runtime.loops, responder: responder)
        ProcessMetrics.register(main, listener: "main", in: runtime.metrics)
        guard let address = listeners.admin else { return Servers(main: main, admin: nil) }
        let adminResponder = try ServiceResponder<Role>(
            routes: health.routes(), authenticator: NoAuthenticator(), envelope: AdminEnvelope(), loops: runtime.loops,
            logger: runtime.logger, metrics: runtime.metrics)
        let admin = HTTPServer(
            configuration: listeners.serverConfiguration(address), loops: runtime.loops, responder: adminResponder)
        ProcessMetrics.register(admin, listener: "admin", in: runtime.metrics)
        return Servers(main: main, admin: admin)
    }

    private func announce(_ servers: Servers, _ notifier: SystemdNotifier, _ logger: Logger) {
        let address = servers.main.boundAddress.map(\.description) ?? "inherited sockets"
        logger.info(
            "listening", .text("address", address),
            .text("admin", servers.admin?.boundAddress.map(\.description) ?? "same"),
            .text("version", definition.version), .flag("tls", servers.main.configuration.tls != nil))
        notifier.ready(status: "listening on \(address)")
    }

    /// The work beside requests, under way.
    private struct Background: Sendable {
        let tasks: [(stop: BackgroundTask.Stop, task: Task<Void, Never>)]

        init(_ tasks: [(stop: BackgroundTask.Stop, task: Task<Void, Never>)]) { self.tasks = tasks }

        func cancel(_ stop: BackgroundTask.Stop) { for entry in tasks where entry.stop == stop { entry.task.cancel() } }

        func end() async { for entry in tasks { await entry.task.value } }
    }

    /// Every connection is a descriptor; beside them stand those of the database, of artifacts and of the loops.
    private func warnIfShort(of openFilesMax: Int?, _ logger: Logger) {
        let connections = configuration[CommonVariables.maxConnections]
        guard let openFilesMax, openFilesMax < connections + 256 else { return }
        logger.warn(
            "the limit of open files is below that of connections", .number("open_files", openFilesMax),
            .number("connections", connections))
    }

    private static func start(_ task: BackgroundTask, on loop: Loop, _ logger: Logger) -> Task<Void, Never> {
        loop.spawn {
            do {
                try await task.body()
                if !Task.isCancelled { logger.warn("background task ended", .text("task", task.name)) }
            } catch {
                if !Task.isCancelled { logger.error("background task failed", .text("task", task.name), .error(error)) }
            }
        }
    }

    private static func reload(_ servers: [HTTPServer], _ notifier: SystemdNotifier, _ logger: Logger) {
        notifier.reloading()
        do {
            for server in servers { try server.reloadTLS() }
            logger.info("certificates reloaded")
        } catch {
            logger.error("certificates not reloaded, the old ones stay", .error(error))
        }
        notifier.ready(status: "listening")
    }

    /// Requests first, then the work beside them, then the database. Health is answered to the end.
    private func stop(
        _ servers: Servers, _ background: Background, _ application: ServiceApplication<Role>,
        _ database: Database, _ loops: LoopGroup
    ) async {
        let grace = configuration[CommonVariables.shutdownGrace]
        servers.main.stopAccepting()
        background.cancel(.atOnce)
        await servers.main.drain(grace: grace)
        background.cancel(.afterRequests)
        let loop = loops.loops[0]
        await bounded(by: application.stopLimit ?? max(grace, .seconds(1)), on: loop) {
            await background.end()
            await application.shutdown?()
        }
        await servers.admin?.drain(grace: .milliseconds(100))
        await bounded(by: .seconds(2), on: loop) { await database.close() }
    }

    /// Waits for `body`, but no longer than `limit`.
    private func bounded(by limit: Duration, on loop: Loop, _ body: @escaping @Sendable () async -> Void) async {
        _ = try? await abandoning(after: limit, on: loop) { await body() }
    }
}
