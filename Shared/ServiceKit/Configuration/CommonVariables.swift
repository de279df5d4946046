public import EventLoop

/// The variables that all services share. Names are binding; a service adds its own to `schema(defaultPort:)`.
public enum CommonVariables {
    public static let adminListen = Variable<SocketAddress?>.optional(
        "TRIVET_ADMIN_LISTEN", .socketAddress, help: "moves health and metrics to a listener of their own")
    public static let databaseURL = Variable<String>.required(
        "TRIVET_DATABASE_URL", .databaseURL, disclosure: .url, help: "libpq URI of the role that serves")
    public static let databaseOwnerURL = Variable<String?>.optional(
        "TRIVET_DATABASE_OWNER_URL", .databaseURL, disclosure: .url,
        help: "libpq URI of the role that owns the schema, used by migrate and token (TRIVET_DATABASE_URL if not set)")
    public static let tlsCertFile = Variable<String?>.optional(
        "TRIVET_TLS_CERT_FILE", .absolutePath, help: "PEM file of the certificate chain; with TRIVET_TLS_KEY_FILE")
    public static let tlsKeyFile = Variable<String?>.optional(
        "TRIVET_TLS_KEY_FILE", .absolutePath, help: "PEM file of the private key; with TRIVET_TLS_CERT_FILE")
    public static let behindTLSProxy = Variable<Bool>.defaulted(
        "TRIVET_BEHIND_TLS_PROXY", .flag, to: "false",
        help: "allows a plain listener beyond loopback, because a proxy in front terminates TLS")
    public static let eventLoops = Variable<Int?>.optional(
        "TRIVET_EVENT_LOOPS", .integer(in: 1...256), help: "number of event loops (number of cores if not set)")
    public static let logLevel = Variable<LogLevel>.defaulted(
        "TRIVET_LOG_LEVEL", LogLevel.parser, to: "info", help: "lowest level that is written")
    public static let logFormat = Variable<LogFormat?>.optional(
        "TRIVET_LOG_FORMAT", LogFormat.parser, help: "json or text (json; text on a terminal)")
    public static let maxConnections = Variable<Int>.defaulted(
        "TRIVET_MAX_CONNECTIONS", .integer(in: 1...1_000_000), to: "10000", help: "open connections per process")
    public static let headerTimeout = Variable<Duration>.defaulted(
        "TRIVET_HEADER_TIMEOUT_MS", .milliseconds(in: 1...3_600_000), to: "10000",
        help: "time for a whole request head, milliseconds")
    public static let bodyStallTimeout = Variable<Duration>.defaulted(
        "TRIVET_BODY_STALL_TIMEOUT_MS", .milliseconds(in: 1...3_600_000), to: "20000",
        help: "time without a byte of a body, milliseconds")
    public static let idleTimeout = Variable<Duration>.defaulted(
        "TRIVET_IDLE_TIMEOUT_MS", .milliseconds(in: 1...86_400_000), to: "75000",
        help: "time between two requests of a connection, milliseconds")
    public static let shutdownGrace = Variable<Duration>.defaulted(
        "TRIVET_SHUTDOWN_GRACE_MS", .milliseconds(in: 0...3_600_000), to: "10000",
        help: "time for running requests after SIGTERM, milliseconds")
    public static let publicURL = Variable<String?>.optional(
        "TRIVET_PUBLIC_URL", .origin, help: "origin used in links that leave the service (derived from the listener)")
    public static let s3Endpoint = Variable<String?>.optional(
        "TRIVET_S3_ENDPOINT", .origin, help: "origin of the S3-compatible store")
    public static let s3Region = Variable<String?>.optional(
        "TRIVET_S3_REGION", .text, help: "region named in signatures")
    public static let s3AccessKeyID = Variable<String?>.optional(
        "TRIVET_S3_ACCESS_KEY_ID", .text, help: "access key id for the store")
    public static let s3SecretAccessKey = Variable<String?>.optional(
        "TRIVET_S3_SECRET_ACCESS_KEY", .text, disclosure: .secret, help: "secret access key for the store")
    public static let s3Buckets = Variable<[String]?>.optional(
        "TRIVET_S3_BUCKETS", .list, help: "buckets that may be used, separated by commas (all if not set)")
    public static let objectStoreRoot = Variable<String?>.optional(
        "TRIVET_OBJECT_STORE_ROOT", .absolutePath, help: "directory store in place of S3: bucket = first path component")

    /// The main listener. The default port is that of the service.
    public static func listen(defaultPort: Int) -> Variable<SocketAddress> {
        .defaulted(
            "TRIVET_LISTEN", .socketAddress, to: "127.0.0.1:\(defaultPort)",
            help: "address and port of the listener; unix:/path is accepted")
    }

    /// All common variables with the rules between them.
    public static func schema(defaultPort: Int) -> ConfigurationSchema {
        let listen = listen(defaultPort: defaultPort)
        return ConfigurationSchema(
            [
                listen.declared, adminListen.declared, databaseURL.declared, databaseOwnerURL.declared,
                tlsCertFile.declared, tlsKeyFile.declared, behindTLSProxy.declared, eventLoops.declared,
                logLevel.declared, logFormat.declared, maxConnections.declared, headerTimeout.declared,
                bodyStallTimeout.declared, idleTimeout.declared, shutdownGrace.declared, publicURL.declared,
                s3Endpoint.declared, s3Region.declared, s3AccessKeyID.declared, s3SecretAccessKey.declared,
                s3Buckets.declared, objectStoreRoot.declared,
            ],
            rules: [
                { tlsRule($0, listen) },
                { storeRule($0) },
            ])
    }

    private static func tlsRule(_ configuration: Configuration, _ listen: Variable<SocketAddress>) -> [String] {
        let certificate = configuration[tlsCertFile]
        let key = configuration[tlsKeyFile]
        guard (certificate == nil) == (key == nil) else {
            let missing = certificate == nil ? tlsCertFile.name : tlsKeyFile.name
            return ["\(missing) is not set: a certificate and its key are given both or neither"]
        }
        guard certificate == nil, !configuration[behindTLSProxy] else { return [] }
        var problems: [String] = []
        for (name, address) in [
            (listen.name, configuration[listen]), (adminListen.name, configuration[adminListen]),
        ] {
            if let address, !address.isLoopback {
                problems.append(
                    "\(name) is \(address): a listener without TLS stays on loopback; set \(tlsCertFile.name) and "
                        + "\(tlsKeyFile.name), or \(behindTLSProxy.name)=true where a proxy terminates TLS")
            }
        }
        return problems
    }

    private static func storeRule(_ configuration: Configuration) -> [String] {
        let parts = [s3Endpoint, s3Region, s3AccessKeyID, s3SecretAccessKey]
        let given = parts.filter { configuration[$0] != nil }
        guard !given.isEmpty else { return [] }
        if configuration[objectStoreRoot] != nil {
            return ["\(objectStoreRoot.name) and \(given[0].name) are both set: keep one store"]
        }
        return parts.filter { configuration[$0] == nil && $0.name != s3Region.name }.map {
            "\($0.name) is not set, but \(given[0].name) is: the S3 variables are given together"
        }
    }
}
