import EventLoop
import ObjectStore
import Outbound
import ServiceKit

/// The store that reference manifests point into, as configured: S3, a directory, or none.
enum ArtifactStores {
    /// Threads that read files of a directory store.
    private static let directoryThreads = 4

    static func make(_ configuration: Configuration, logger: Logger) throws(ConfigurationProblems) -> (any ObjectReading)? {
        let buckets = configuration[CommonVariables.s3Buckets]
        if let root = configuration[CommonVariables.objectStoreRoot] {
            do throws(ObjectError) {
                return try DirectoryStore(
                    root: root, pool: BlockingPool(threads: directoryThreads, name: "objects"), buckets: buckets,
                    deadline: configuration[ServiceVariables.fetchDeadline])
            } catch {
                throw ConfigurationProblems(["\(CommonVariables.objectStoreRoot.name): \(error)"])
            }
        }
        guard let endpoint = configuration[CommonVariables.s3Endpoint],
            let accessKeyID = configuration[CommonVariables.s3AccessKeyID],
            let secret = configuration[CommonVariables.s3SecretAccessKey]
        else { return nil }
        do throws(S3Configuration.ParseError) {
            // An endpoint that says http:// says it on purpose; it is told once at the start.
            var store = try S3Configuration(
                endpoint: endpoint, region: configuration[CommonVariables.s3Region] ?? "us-east-1",
                credentials: S3Credentials(accessKeyID: accessKeyID, secretAccessKey: secret), buckets: buckets,
                allowsPlainHTTP: true)
            if !store.endpoint.isSecure, !store.endpoint.isLoopback {
                logger.warn("the object store is spoken to without TLS", .text("endpoint", endpoint))
            }
            store.connectTimeout = configuration[ServiceVariables.fetchConnectTimeout]
            store.stallTimeout = configuration[ServiceVariables.fetchStallTimeout]
            store.deadline = configuration[ServiceVariables.fetchDeadline]
            return S3Store(configuration: store)
        } catch {
            throw ConfigurationProblems(["\(CommonVariables.s3Endpoint.name): \(error)"])
        }
    }
}
