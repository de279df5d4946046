import Encoding
import ServiceKit

/// What this service may be told beyond the variables that all services share. The names are binding.
enum ServiceVariables {
    static let gateURL = Variable<GateAddress?>.optional(
        "TRIVET_GATE_URL", GateAddress.parser, disclosure: .url, help: "base URL of the delivery engine's API (deployments answer 503 if not set)")
    static let deckURL = Variable<String?>.optional(
        "TRIVET_DECK_URL", .httpURL, disclosure: .url, help: "base URL of the delivery engine's user interface, for links")
    static let gateToken = Variable<String?>.optional(
        "TRIVET_GATE_TOKEN", .text, disclosure: .secret, help: "bearer token for the engine")
    static let gateHeader = Variable<GateHeader?>.optional(
        "TRIVET_GATE_HEADER", GateHeader.parser, disclosure: .secret, help: "one more header for the engine, \"Name: value\"")
    static let gateConnectTimeout = milliseconds(
        "TRIVET_GATE_CONNECT_TIMEOUT_MS", "2000", "time to connect to the engine, milliseconds")
    static let gateStartTimeout = milliseconds(
        "TRIVET_GATE_START_TIMEOUT_MS", "10000", "time for starting a pipeline in all, milliseconds")
    static let gateReadTimeout = milliseconds(
        "TRIVET_GATE_READ_TIMEOUT_MS", "3000", "time for reading from the engine in all, milliseconds")
    static let readsPerMinute = count("TRIVET_READS_PER_MINUTE", 1...5000, "60", "read requests a minute, per client")
    static let mutationsPerMinute = count(
        "TRIVET_MUTATIONS_PER_MINUTE", 1...5000, "10", "mutating requests a minute, per client")
    static let dailyDeployments = count("TRIVET_DAILY_DEPLOYMENTS", 0...5000, "25", "deployments a UTC day, per client")
    static let dailyRollbacks = count("TRIVET_DAILY_ROLLBACKS", 0...5000, "10", "rollbacks a UTC day, per client")
    static let dailyBuilds = count("TRIVET_DAILY_BUILDS", 0...5000, "50", "build registrations a UTC day, per client")
    static let dailyUploads = count("TRIVET_DAILY_UPLOADS", 0...5000, "50", "upload capabilities a UTC day, per client")
    static let idempotencyWindow = Variable<Duration>.defaulted(
        "TRIVET_IDEMPOTENCY_WINDOW_SECONDS", .seconds(in: 1...31_536_000), to: "86400",
        help: "how long an Idempotency-Key is remembered, seconds")
    static let capabilityLifetime = Variable<Duration>.defaulted(
        "TRIVET_CAPABILITY_SECONDS", .seconds(in: 1...604_800), to: "900", help: "how long an upload capability lasts, seconds")
    static let pollInterval = milliseconds(
        "TRIVET_POLL_INTERVAL_MS", "5000", "time between two looks at a running deployment, milliseconds")
    static let minimumLookAge = milliseconds(
        "TRIVET_MINIMUM_LOOK_AGE_MS", "2000", "a look younger than this is not repeated for a read, milliseconds")
    static let reconcileAfter = milliseconds(
        "TRIVET_RECONCILE_AFTER_MS", "15000", "age at which an undecided start is looked into, milliseconds")
    static let reconcileGiveUp = milliseconds(
        "TRIVET_RECONCILE_GIVE_UP_MS", "30000",
        "age from which an undecided start that the engine twice does not know is given up, milliseconds")
    static let artifactRoot = Variable<String?>.optional(
        "TRIVET_ARTIFACT_ROOT", .absolutePath, help: "directory that artifacts are kept in (or the S3 variables)")
    static let signingKey = Variable<SigningKey?>.optional(
        "TRIVET_SIGNING_KEY", SigningKey.parser, disclosure: .secret, help: "key of upload URLs: at least 32 bytes, base64")
    static let mutationsDisabled = Variable<Bool>.defaulted(
        "TRIVET_MUTATIONS_DISABLED", .flag, to: "false", help: "true forces the kill switch on, whatever its row says")
    static let corsOrigins = Variable<[String]?>.optional(
        "TRIVET_CORS_ORIGINS", .list, help: "origins whose pages may call the API, separated by commas")

    static let defaultPort = 8082

    static let schema = ConfigurationSchema(
        [
            gateURL.declared, deckURL.declared, gateToken.declared, gateHeader.declared, gateConnectTimeout.declared,
            gateStartTimeout.declared, gateReadTimeout.declared, readsPerMinute.declared, mutationsPerMinute.declared,
            dailyDeployments.declared, dailyRollbacks.declared, dailyBuilds.declared, dailyUploads.declared,
            idempotencyWindow.declared, capabilityLifetime.declared, pollInterval.declared, minimumLookAge.declared,
            reconcileAfter.declared, reconcileGiveUp.declared, artifactRoot.declared, signingKey.declared,
            mutationsDisabled.declared, corsOrigins.declared,
        ],
        rules: [
            { configuration in
                guard configuration[gateToken] != nil, configuration[gateHeader]?.isAuthorization == true else { return [] }
                return ["\(gateToken.name) and an Authorization in \(gateHeader.name) exclude each other"]
            },
            { configuration in
                // A start that is still under way must not be taken for one that was forgotten.
                guard configuration[reconcileAfter] > configuration[gateStartTimeout] else {
                    return ["\(reconcileAfter.name) must be greater than \(gateStartTimeout.name)"]
                }
                return []
            },
            { configuration in
                guard configuration[reconcileGiveUp] >= configuration[reconcileAfter] else {
                    return ["\(reconcileGiveUp.name) must be at least \(reconcileAfter.name)"]
                }
                return []
            },
            { ArtifactStores.problems($0) },
        ])

    private static func milliseconds(_ name: String, _ fallback: String, _ help: String) -> Variable<Duration> {
        .defaulted(name, .milliseconds(in: 1...86_400_000), to: fallback, help: help)
    }

    private static func count(_ name: String, _ range: ClosedRange<Int>, _ fallback: String, _ help: String) -> Variable<Int> {
        .defaulted(name, .integer(in: range), to: fallback, help: help)
    }
}

/// The secret that upload URLs are signed with.
struct SigningKey: Sendable {
    let bytes: [UInt8]

    static let parser = ValueParser<SigningKey>(expected: "at least 32 bytes in base64") { text in
        guard let bytes = Base64.decode(text) ?? Base64.decode(text, .url), bytes.count >= 32 else { return nil }
        return SigningKey(bytes: bytes)
    }
}
