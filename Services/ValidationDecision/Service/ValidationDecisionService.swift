import EventLoop
import Postgres
public import ServiceKit
import ValidationDecisionDomain

/// The service as a whole: what its `main` runs.
public enum ValidationDecisionService {
    public static let version = "0.1.0"

    public static var definition: ServiceDefinition<ValidationRole> {
        var definition = ServiceDefinition<ValidationRole>(
            name: "validation-decision", version: version,
            summary: "answers ALLOW or BLOCK for migration and replication artifacts",
            defaultPort: ServiceVariables.defaultPort, configuration: ServiceVariables.schema,
            migrations: [
                Migration(1, "access tokens", TokenSchema.sql), Migration(2, "audit log", AuditSchema.migration),
            ],
            grants: TokenSchema.grants + AuditSchema.grants, build: build)
        definition.commands = [AuditCommand.command(definition.schema)]
        definition.tuneDatabase = { settings in
            // A database that is down or stuck is answered 500 and BLOCK in less than three seconds, token check and record together.
            settings.connectTimeout = .milliseconds(1000)
            settings.statementTimeout = .milliseconds(1000)
            settings.answerGrace = .milliseconds(200)
            settings.acquireTimeout = .milliseconds(1000)
            // The connections come back one by one: the last one soon after the first.
            settings.reconnectDelayMax = .milliseconds(500)
        }
        return definition
    }

    @Sendable private static func build(_ runtime: ServiceRuntime) throws -> ServiceApplication<ValidationRole> {
        let configuration = runtime.configuration
        let audit = AuditStore(database: runtime.database)
        let envelope = DecisionEnvelope(
            PerLoop(runtime.loops) { AuditWriter(audit, on: $0) },
            policyVersion: configuration[ServiceVariables.policyVersion].map(PolicyVersion.init(rawValue:)) ?? .builtIn,
            logger: runtime.logger, decisions: DecisionMetrics(runtime.metrics))
        let limits = ArtifactLimits(
            documentBytes: configuration[ServiceVariables.maxDocumentBytes],
            artifactBytes: configuration[ServiceVariables.maxArtifactBytes],
            walFiles: configuration[ServiceVariables.maxWALFiles],
            verifiesArchives: configuration[ServiceVariables.verifyArchives])
        let judge = JudgeReference(
            store: try ArtifactStores.make(configuration, logger: runtime.logger), limits: limits)
        let api = ValidationAPI(limits: limits, envelope: envelope, audit: audit, judge: judge)
        return ServiceApplication(routes: api.routes, envelope: envelope)
    }
}
