import DeploymentControlDomain
import Encoding
import HTTP
import Postgres
import ServiceKit

/// Reads of registered builds.
struct ReadBuilds: Sendable {
    static let pageDefault = 100
    static let pageMax = 500

    let database: Database

    /// The build of `?service=&version=`.
    func one(_ request: Request) async throws -> BuildRegistration {
        guard let service = try Self.single("service", request), let version = try Self.single("version", request) else {
            throw Refusal.invalid("service and version are both needed.")
        }
        guard let service = ServiceName(service), let version = Version(version),
            let build = try await BuildStore.find(service, version, on: database)
        else { throw Refusal.notFound("build") }
        return build
    }

    struct Page {
        let builds: [BuildRegistration]
        /// The cursor of the next page; nil on the last one.
        let next: Version?
    }

    /// The builds of the path's service, newest first by semantic version; `limit` of them, below the version `before`.
    func versions(_ request: Request) async throws -> Page {
        let limit = try Self.limit(request)
        let before = try Self.cursor(request)
        guard let name = request.parameters["service"].flatMap({ ServiceName($0) }),
            var versions = try await BuildStore.versions(name, on: database)
        else { throw Refusal.notFound("service") }
        versions.sort { Self.isNewer($0, $1) }
        if let before { versions.removeAll { !Self.isNewer(before, $0) } }
        let page = Array(versions.prefix(limit))
        let found = try await BuildStore.find(name, page, on: database)
        let byVersion = Dictionary(found.map { ($0.version, $0) }) { first, _ in first }
        return Page(
            builds: page.compactMap { byVersion[$0.text] }, next: versions.count > page.count ? page.last : nil)
    }

    /// A total order: spellings of one version (01.0.0) by their text.
    private static func isNewer(_ left: Version, _ right: Version) -> Bool {
        if left > right { return true }
        if left < right { return false }
        return right.text.utf8.lexicographicallyPrecedes(left.text.utf8)
    }

    private static func limit(_ request: Request) throws(Refusal) -> Int {
        guard let text = try single("limit", request) else { return pageDefault }
        guard let limit = Int(pathParameter: text), (1...pageMax).contains(limit) else {
            throw .invalid("limit must be 1 to \(pageMax).")
        }
        return limit
    }

    private static func cursor(_ request: Request) throws(Refusal) -> Version? {
        guard let text = try single("before", request) else { return nil }
        guard let version = Version(text) else { throw .invalid("before must be a version.") }
        return version
    }

    /// An empty value counts as absent.
    private static func single(_ name: String, _ request: Request) throws(Refusal) -> String? {
        do throws(QueryError) {
            let value = try request.query.single(name)
            return value?.isEmpty == true ? nil : value
        } catch {
            throw .invalid("The query cannot be read, or gives \(name) more than once.")
        }
    }
}
