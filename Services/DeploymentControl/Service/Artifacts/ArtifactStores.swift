import EventLoop
import ObjectStore
import Outbound
import ServiceKit

/// The artifact store of the configuration: a directory, an S3-compatible store, or none.
enum ArtifactStores {
    /// Threads that write, read and hash files.
    private static let directoryThreads = 4

    /// Rules between the variables, for the configuration's check.
    static func problems(_ configuration: Configuration) -> [String] {
        let endpoint = CommonVariables.s3Endpoint
        let root = ServiceVariables.artifactRoot
        if configuration[root] != nil {
            if configuration[endpoint] != nil { return ["\(root.name) and \(endpoint.name) are both set: keep one store"] }
            if configuration[ServiceVariables.signingKey] == nil {
                return ["\(ServiceVariables.signingKey.name) is not set, but \(root.name) is: uploads need it"]
            }
        } else if configuration[endpoint] != nil, configuration[CommonVariables.s3Buckets]?.first == nil {
            return ["\(CommonVariables.s3Buckets.name) is not set, but \(endpoint.name) is: artifacts go into its first bucket"]
        }
        return []
    }

    /// - Parameter origin: where this service is reached.
    static func make(
        _ configuration: Configuration, origin: String, _ logger: Logger
    ) throws(ConfigurationProblems) -> UploadDesk? {
        let problems = problems(configuration)
        guard problems.isEmpty else { throw ConfigurationProblems(problems) }
        if let root = configuration[ServiceVariables.artifactRoot], let key = configuration[ServiceVariables.signingKey] {
            do throws(ObjectError) {
                let vault = try DirectoryVault(
                    root: root, pool: BlockingPool(threads: directoryThreads, name: "artifacts"))
                return UploadDesk(way: .signedLinks(vault, UploadSigner(key: key), origin: origin))
            } catch {
                throw ConfigurationProblems(["\(ServiceVariables.artifactRoot.name): \(error)"])
            }
        }
        return try s3(configuration, logger).map { UploadDesk(way: .presigned($0)) }
    }

    private static func s3(_ configuration: Configuration, _ logger: Logger) throws(ConfigurationProblems) -> S3Vault? {
        guard let endpoint = configuration[CommonVariables.s3Endpoint],
            let accessKeyID = configuration[CommonVariables.s3AccessKeyID],
            let secret = configuration[CommonVariables.s3SecretAccessKey],
            let buckets = configuration[CommonVariables.s3Buckets], let bucket = buckets.first
        else { return nil }
        do throws(S3Configuration.ParseError) {
            // An endpoint that says http:// says it on purpose; it is told once at the start.
            let store = try S3Configuration(
                endpoint: endpoint, region: configuration[CommonVariables.s3Region] ?? "us-east-1",
                credentials: S3Credentials(accessKeyID: accessKeyID, secretAccessKey: secret), buckets: buckets,
                allowsPlainHTTP: true)
            if !store.endpoint.isSecure, !store.endpoint.isLoopback {
                logger.warn("the object store is spoken to without TLS", .text("endpoint", endpoint))
            }
            return S3Vault(store: S3Store(configuration: store), bucket: bucket)
        } catch {
            throw ConfigurationProblems(["\(CommonVariables.s3Endpoint.name): \(error)"])
        }
    }
}
