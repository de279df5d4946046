import EventLoop
import ObjectStore
import ServiceKit

/// What builds and artifacts add to the service: operations and a broom.
struct BuildsComponent: Sendable {
    let api: BuildsAPI
    let background: [BackgroundTask]

    /// - Throws: `ConfigurationProblems` where the store of the configuration cannot be used.
    init(_ runtime: ServiceRuntime, desk: MutationDesk, quotas: DailyQuotas) throws {
        let configuration = runtime.configuration
        let uploads = try ArtifactStores.make(configuration, origin: runtime.publicURL, runtime.logger)
        if uploads == nil { runtime.logger.warn("no artifact store is configured: builds cannot be published") }
        api = BuildsAPI(
            desk: desk, uploads: uploads, capabilities: quotas.uploadCapabilities,
            registrations: quotas.buildRegistrations,
            capabilityLifetime: configuration[ServiceVariables.capabilityLifetime])
        let cleaner = UploadCleaner(database: runtime.database, uploads: uploads, logger: runtime.logger)
        background = [BackgroundTask("uploads") { try await cleaner.run() }]
    }
}
