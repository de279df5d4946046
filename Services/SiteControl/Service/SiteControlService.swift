import EventLoop
import Postgres
public import ServiceKit

/// The service as a whole: what its `main` runs.
public enum SiteControlService {
    public static let version = "0.1.0"
    static let tokenPrefix: StaticString = "scs"

    public static var definition: ServiceDefinition<SiteRole> {
        var definition = ServiceDefinition<SiteRole>(
            name: "site-control", version: version,
            summary: "keeps what sites, environments, backups, domains and jobs exist, and makes them so on nodes",
            defaultPort: ServiceVariables.defaultPort, configuration: ServiceVariables.schema,
            migrations: [Migration(1, "access tokens", TokenSchema.sql)] + SiteSchema.migrations + [
                Migration(7, "request windows", RateLimiter.schema),
                Migration(8, "fence of running jobs", JobFence.schema),
            ],
            grants: TokenSchema.grants + SiteSchema.grants + RateLimiter.grants + JobFence.grants,
            tokenPrefix: tokenPrefix, build: build)
        definition.tokenRoles = [.automation, .reader]
        definition.commands = [JobsComponent.command(definition)] + PanelComponent.commands(definition.schema)
        definition.tuneDatabase = { settings in
            settings.statementTimeout = .seconds(5)
        }
        return definition
    }

    @Sendable private static func build(_ runtime: ServiceRuntime) throws -> ServiceApplication<SiteRole> {
        let secrets = try SecretStore(runtime.configuration)
        let pool = BlockingPool(threads: RunnerComponent.poolThreads, name: "site-control")
        let runner = try RunnerComponent(runtime, secrets: secrets, pool: pool)
        let core = CoreComponent(runtime, magicLogin: runner.magicLogin)
        let envelope = SiteEnvelope(logger: runtime.logger)
        let panel = try PanelComponent(runtime, secrets: secrets, pool: pool)
        var application = ServiceApplication<SiteRole>(routes: core.routes + panel.routes, envelope: envelope)
        application.authenticator = panel.authenticator
        let jobs = JobsComponent(runtime, executor: runner.executor, mayClaim: runner.mayClaim)
        application.background = panel.background + runner.background + jobs.background
        application.readiness += runner.readiness
        application.stopLimit = jobs.stopLimit
        return application
    }
}
