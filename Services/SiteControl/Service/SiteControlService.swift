import Encoding
import Postgres
public import ServiceKit

/// The service as a whole: what its `main` runs.
public enum SiteControlService {
    public static let version = "0.1.0"

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
            tokenPrefix: "scs", build: build)
        definition.commands = [JobsComponent.command(definition)]
        definition.tuneDatabase = { settings in
            settings.statementTimeout = .seconds(5)
        }
        return definition
    }

    @Sendable private static func build(_ runtime: ServiceRuntime) throws -> ServiceApplication<SiteRole> {
        let core = CoreComponent(runtime, magicLogin: NoMagicLogin())
        let envelope = SiteEnvelope(logger: runtime.logger)
        var application = ServiceApplication<SiteRole>(routes: core.routes, envelope: envelope)
        let jobs = JobsComponent(runtime, executor: nil)
        application.background += jobs.background
        application.stopLimit = jobs.stopLimit
        return application
    }
}

/// Stands in where nodes cannot be asked.
private struct NoMagicLogin: MagicLogin {
    func callAsFunction(_ environment: UUID, by actor: Actor) async throws -> MagicLoginLink { throw Refusal.nodeUnreachable }
}
