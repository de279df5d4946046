import DeploymentControlDomain
import Postgres

/// A service of the allowlist, with its pipelines.
struct RegisteredService: PostgresRow {
    let name: String
    let mapping: PipelineMapping
    let requiresRegisteredBuild: Bool

    static let columns: StaticString = """
        name, application, deploy_pipeline, rollback_pipeline, engine_url, require_registered_build
        """

    init(name: String, mapping: PipelineMapping, requiresRegisteredBuild: Bool) {
        self.name = name
        self.mapping = mapping
        self.requiresRegisteredBuild = requiresRegisteredBuild
    }

    init(_ row: inout RowReader) throws(RowError) {
        name = try row.next()
        mapping = PipelineMapping(
            application: try row.next(), deployPipeline: try row.next(), rollbackPipeline: try row.next(),
            engineURL: try row.next())
        requiresRegisteredBuild = try row.next()
    }
}

/// The allowlist. Edited by the command line; a service that is removed keeps its history readable.
enum ServiceRegistry {
    /// - Throws: `serviceNotAllowlisted`, also for texts that are no name.
    static func allowed(_ name: String, on database: some Queryable) async throws -> RegisteredService {
        guard let name = ServiceName(name), let found = try await find(name, on: database) else {
            throw Refusal.serviceNotAllowlisted
        }
        return found
    }

    static func find(_ name: ServiceName, on database: some Queryable) async throws(DatabaseError) -> RegisteredService? {
        try await database.first(
            "SELECT \(raw: RegisteredService.columns) FROM service WHERE name = \(name.text) AND enabled"
                as SQL<RegisteredService>)
    }

    static func all(on database: some Queryable) async throws(DatabaseError) -> [RegisteredService] {
        try await database.query(
            "SELECT \(raw: RegisteredService.columns) FROM service WHERE enabled ORDER BY name COLLATE \"C\""
                as SQL<RegisteredService>)
    }

    /// Adds a service, or gives one that is there its new pipelines.
    static func put(_ service: RegisteredService, on database: some Queryable) async throws(DatabaseError) {
        let mapping = service.mapping
        try await database.execute(
            """
            INSERT INTO service (name, application, deploy_pipeline, rollback_pipeline, engine_url, require_registered_build)
            VALUES (\(service.name), \(mapping.application), \(mapping.deployPipeline), \(mapping.rollbackPipeline),
                    \(mapping.engineURL), \(service.requiresRegisteredBuild))
            ON CONFLICT (name) DO UPDATE SET application = excluded.application,
                deploy_pipeline = excluded.deploy_pipeline, rollback_pipeline = excluded.rollback_pipeline,
                engine_url = excluded.engine_url, require_registered_build = excluded.require_registered_build,
                enabled = true
            """)
    }

    /// - Returns: false where there is no such service.
    static func remove(_ name: ServiceName, on database: some Queryable) async throws(DatabaseError) -> Bool {
        try await database.execute("UPDATE service SET enabled = false WHERE name = \(name.text) AND enabled") == 1
    }

    /// The artifact of a registered build; nil where the version is not registered.
    static func artifact(
        _ service: String, _ version: String, on database: some Queryable
    ) async throws(DatabaseError) -> RegisteredArtifact? {
        let row = try await database.first(
            "SELECT artifact_ref, sha256 FROM build WHERE service = \(service) AND version = \(version)"
                as SQL<Columns<String, String>>)
        return row.map { RegisteredArtifact(reference: $0.values.0, sha256: $0.values.1) }
    }
}
