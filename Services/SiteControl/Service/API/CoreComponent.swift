import Postgres
import ServiceKit

/// Sites, environments, backups, domains and metrics: their use cases and routes.
struct CoreComponent: Sendable {
    let routes: [SiteRoute]

    init(_ runtime: ServiceRuntime, magicLogin: any MagicLogin) {
        let database = runtime.database
        let desk = MutationDesk(database: database, runtime.configuration)
        let change = ChangeEnvironment(desk: desk)
        let reset = ResetFailed(database: database)
        let sites = SitesAPI(
            database: database, createSite: CreateSite(desk: desk), createEnvironment: CreateEnvironment(desk: desk),
            importSite: ImportSite(desk: desk), reset: reset)
        let environments = EnvironmentsAPI(
            database: database, change: change, restore: RestoreEnvironment(desk: desk),
            promote: PromoteEnvironment(desk: desk), reset: reset, magicLogin: magicLogin)
        routes = sites.routes + environments.routes + BackupsAPI(database: database, change: change).routes
            + DomainsAPI(database: database, change: ChangeDomains(desk: desk)).routes + MetricsAPI(database: database).routes
    }
}
