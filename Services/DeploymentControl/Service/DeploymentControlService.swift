import EventLoop
import Postgres
public import ServiceKit

/// The service as a whole: what its `main` runs.
public enum DeploymentControlService {
    public static let version = "0.1.0"

    public static var definition: ServiceDefinition<DeploymentRole> {
        var definition = ServiceDefinition<DeploymentRole>(
            name: "deployment-control", version: version,
            summary: "decides whether a version may be deployed now, and tells what became of it",
            defaultPort: ServiceVariables.defaultPort, configuration: ServiceVariables.schema,
            migrations: [
                Migration(1, "access tokens", TokenSchema.sql),
                Migration(2, "idempotency keys", IdempotencySchema.sql),
                Migration(3, "request windows and daily counters", RateLimiter.schema + "\n" + DailyQuota.schema),
                Migration(4, "audit events", AuditTrail.schema),
                Migration(5, "services and deployments", DeploymentSchema.migration),
                Migration(6, "builds", BuildsSchema.migration),
            ],
            grants: TokenSchema.grants + IdempotencySchema.grants + RateLimiter.grants + DailyQuota.grants
                + AuditTrail.grants + DeploymentSchema.grants + BuildsSchema.grants,
            tokenPrefix: "dcs", build: build)
        definition.commands = [ServiceCommands.command(definition.schema), KillSwitchCommands.command(definition.schema)]
        definition.tuneDatabase = { settings in
            settings.statementTimeout = .seconds(5)
        }
        return definition
    }

    @Sendable private static func build(_ runtime: ServiceRuntime) throws -> ServiceApplication<DeploymentRole> {
        let configuration = runtime.configuration
        let (database, logger) = (runtime.database, runtime.logger)
        let timings = Timings(configuration)
        let quotas = DailyQuotas(configuration)
        let desk = MutationDesk(
            database: database,
            killSwitch: KillSwitch(database: database, isForced: configuration[ServiceVariables.mutationsDisabled]),
            limits: RequestLimits(
                database, readsPerMinute: configuration[ServiceVariables.readsPerMinute],
                mutationsPerMinute: configuration[ServiceVariables.mutationsPerMinute]),
            idempotency: IdempotencyStore(window: configuration[ServiceVariables.idempotencyWindow]))
        for warning in GateConfiguration.warnings(configuration) { logger.warn(warning) }
        let engine: any Engine =
            GateConfiguration(configuration).map { GateEngine($0, logger: logger) } ?? UnconfiguredEngine()
        let store = DeploymentStore(database: database)
        let follower = ExecutionFollower(database: database, engine: engine, timings: timings, logger: logger)
        let metrics = DeploymentMetrics(runtime.metrics)
        let launch = Launch(
            database: database, desk: desk, engine: engine, follower: follower, timings: timings, logger: logger,
            metrics: metrics)
        let deployments = DeploymentsAPI(
            desk: desk, store: store, follower: follower,
            start: StartDeployment(launch: launch, quota: quotas.deployments),
            rollBack: RollBackDeployment(launch: launch, quota: quotas.rollbacks),
            validate: ValidateDeployment(database: database, quota: quotas.deployments))
        let insight = InsightAPI(database: database, desk: desk, store: store, quotas: quotas)
        let admin = AdminAPI(
            database: database, desk: desk,
            release: ReleaseDeployment(database: database, desk: desk, engine: engine, logger: logger))
        let builds = try BuildsComponent(runtime, desk: desk, quotas: quotas)
        let poller = Poller(
            database: database, engine: engine, follower: follower,
            reconciler: Reconciler(
                database: database, engine: engine, idempotency: desk.idempotency, timings: timings, logger: logger),
            timings: timings, logger: logger, metrics: metrics)
        let housekeeping = Housekeeping(database: database, idempotency: desk.idempotency, logger: logger)

        var application = ServiceApplication(
            routes: deployments.routes + builds.api.routes + insight.routes + admin.routes,
            envelope: DeploymentEnvelope(logger: logger))
        application.options.acceptsClientRequestID = true
        application.options.corsOrigins = configuration[ServiceVariables.corsOrigins] ?? []
        application.background = [
            BackgroundTask("poller") { try await poller.run() },
            BackgroundTask("housekeeping") { try await housekeeping.run() },
        ] + builds.background
        return application
    }
}
