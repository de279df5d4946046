import Crypto
import EventLoop
import HTTP
import Postgres
import ServiceKit

/// The smallest service that uses every part of ServiceKit: what its tests run as a process, and a model of a `main`.
@main struct SampleService {
    static func main() async { await ServiceMain.run(definition) }

    static let perMinute = Variable<Int>.defaulted(
        "TRIVET_READS_PER_MINUTE", .integer(in: 0...5000), to: "60", help: "reads per minute and client")

    static let own = ConfigurationSchema([perMinute.declared])
    static let schema = CommonVariables.schema(defaultPort: 8089) + own

    static let definition = ServiceDefinition<SampleRole>(
        name: "sample-service", version: "1.2.3", summary: "Keeps notes.", defaultPort: 8089,
        configuration: own,
        migrations: [
            Migration(1, "access tokens", TokenSchema.sql),
            Migration(2, "idempotency keys", IdempotencySchema.sql),
            Migration(3, "limits", RateLimiter.schema + DailyQuota.schema),
            Migration(4, "audit trail", AuditTrail.schema),
            Migration(5, "notes", "CREATE TABLE note (id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, text text NOT NULL);"),
        ],
        grants: TokenSchema.grants + IdempotencySchema.grants + RateLimiter.grants + DailyQuota.grants
            + AuditTrail.grants + [.table("note", [.select, .insert])],
        commands: [
            ConsoleCommand("count", "counts the notes") { _, console in
                let count = try await Tool.run(schema, as: .serving) { tool in
                    try await tool.database.one("SELECT count(*) FROM note" as SQL<Int>)
                }
                console.line("\(count)")
                return .success
            }
        ]
    ) { runtime in
        let api = SampleAPI(
            database: runtime.database, limit: RateLimit(bucket: "read", limit: runtime.configuration[perMinute]),
            publicURL: runtime.publicURL)
        var application = ServiceApplication<SampleRole>(routes: api.routes, envelope: SampleEnvelope())
        application.background = [
            BackgroundTask("heart") {
                while !Task.isCancelled { try await Loop.current?.sleep(for: .seconds(60)) }
            }
        ]
        return application
    }
}

enum SampleRole: String, ServiceRole {
    case reader
    case writer

    enum Permission: Hashable, Sendable {
        case read
        case write
    }

    var permissions: Set<Permission> {
        switch self {
        case .reader: [.read]
        case .writer: [.read, .write]
        }
    }
}
