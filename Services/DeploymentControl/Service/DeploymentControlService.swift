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
        definition.tuneDatabase = { settings in
            settings.statementTimeout = .seconds(5)
        }
        return definition
    }

    @Sendable private static func build(_ runtime: ServiceRuntime) throws -> ServiceApplication<DeploymentRole> {
        let configuration = runtime.configuration
        let desk = MutationDesk(
            database: runtime.database,
            killSwitch: KillSwitch(
                database: runtime.database, isForced: configuration[ServiceVariables.mutationsDisabled]),
            limits: RequestLimits(
                runtime.database, readsPerMinute: configuration[ServiceVariables.readsPerMinute],
                mutationsPerMinute: configuration[ServiceVariables.mutationsPerMinute]),
            idempotency: IdempotencyStore(window: configuration[ServiceVariables.idempotencyWindow]))
        let builds = BuildsAPI(desk: desk)
        var application = ServiceApplication(
            routes: builds.routes, envelope: DeploymentEnvelope(logger: runtime.logger))
        application.options.acceptsClientRequestID = true
        return application
    }
}
