import EventLoop
import HTTP
import Postgres
import ServiceKit

/// What people and programs see of the installation beside its sites: who they are, jobs and how they go, settings, the audit
/// log, nodes.
struct PanelComponent: Sendable {
    let authenticator: SessionAuthenticator
    let routes: [SiteRoute]
    let background: [BackgroundTask]
    let hub: EventHub

    /// - Parameter pool: for the secret store, which blocks.
    init(_ runtime: ServiceRuntime, secrets: SecretStore, pool: BlockingPool) throws {
        let configuration = runtime.configuration
        let database = runtime.database
        // Digests are the same on all instances: they share the directory of secrets.
        let key = SessionKey(try secrets.createIfAbsent(.sessionKey, make: SessionKey.make))
        let client = ClientSide(
            publicURL: runtime.publicURL, isBehindTLSProxy: configuration[CommonVariables.behindTLSProxy])
        let authenticator = SessionAuthenticator(
            database, tokens: TokenAuthenticator(database, loops: runtime.loops, prefix: SiteControlService.tokenPrefix),
            key: key, client: client)
        var limits = EventLimits()
        limits.poll = configuration[ServiceVariables.jobPollInterval]
        let hub = EventHub(database, limits: limits, metrics: runtime.metrics)
        let sessions = SessionAPI(
            database: database,
            logIn: LogIn(
                database: database, passwords: PasswordDesk(), limit: LoginLimit(database), key: key,
                lifetime: Int(configuration[ServiceVariables.sessionLifetime].components.seconds)),
            client: client)
        let jobs = JobsAPI(
            database: database, hub: hub, authenticator: authenticator, cancelJob: CancelJob(database: database, hub: hub))
        let admin = AdminAPI(
            database: database, changeSettings: ChangeSettings(database: database, secrets: secrets, pool: pool),
            provisionNode: ProvisionNode(database: database, maxAttempts: configuration[ServiceVariables.jobMaxAttempts]))
        let housekeeping = SessionHousekeeping(database: database, logger: runtime.logger)
        self.authenticator = authenticator
        self.hub = hub
        routes = sessions.routes + jobs.routes + admin.routes
        background = [
            // Streams end at once, so that clients go on elsewhere and nobody waits for a job.
            BackgroundTask("event streams", stop: .atOnce) { await hub.run() },
            BackgroundTask("session housekeeping") { try await housekeeping.run() },
        ]
    }

    static func commands(_ schema: ConfigurationSchema) -> [ConsoleCommand] {
        [AdminCommands.command(schema), NodeCommands.command(schema), SettingsCommands.command(schema)]
    }
}
