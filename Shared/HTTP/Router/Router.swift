/// Finds the endpoint of a path. Built once, matched without allocation where the path has no parameter.
///
/// A literal segment outranks a parameter. The most specific path with any route decides: if it lacks the method the
/// answer is 405, even where a less specific one has it. "/a" and "/a/" are different paths.
public struct Router<Endpoint: Sendable>: Sendable {
    /// One line of the table.
    public struct Route: Sendable {
        public let method: HTTPMethod
        /// "/v1/sites/{site}/jobs": segments are literal or one `{name}`.
        public let pattern: String
        public let endpoint: Endpoint

        public init(_ method: HTTPMethod, _ pattern: String, _ endpoint: Endpoint) {
            self.method = method
            self.pattern = pattern
            self.endpoint = endpoint
        }
    }

    /// The routes that share one shape of path.
    struct Leaf: Sendable {
        var routes: [Entry] = []
        var allow: [HTTPMethod] = []
    }

    struct Entry: Sendable {
        let method: HTTPMethod
        let endpoint: Endpoint
        let pattern: String
        let parameterNames: [String]
    }

    private var tree = SegmentTree()
    /// By the number a node of the tree carries.
    private var leaves: [Leaf] = []
    private var allMethods: [HTTPMethod] = []

    /// - Throws: `RouterError` where a pattern is malformed or two routes are one.
    public init(_ routes: [Route]) throws(RouterError) {
        for route in routes { try insert(route) }
        for index in leaves.indices {
            leaves[index].allow = Self.allowed(leaves[index].routes.map(\.method))
        }
        allMethods = Self.allowed(leaves.flatMap { $0.routes.map(\.method) })
    }

    /// The endpoint for a request; fills `request.parameters`.
    public func match(_ request: Request) -> RouteMatch<Endpoint> {
        match(request.method, request.rawPathBytes, &request.parameters)
    }

    /// - Parameter path: as sent, undecoded, without the query.
    public func match(_ method: HTTPMethod, path: String) -> (match: RouteMatch<Endpoint>, parameters: PathParameters) {
        var parameters = PathParameters()
        let found = path.utf8.span.bytes.withUnsafeBytes { match(method, $0, &parameters) }
        return (found, parameters)
    }

    // MARK: Matching

    private func match(
        _ method: HTTPMethod, _ path: UnsafeRawBufferPointer, _ parameters: inout PathParameters
    ) -> RouteMatch<Endpoint> {
        if path.count == 1, path[0] == 0x2A {
            return method == .options ? .options(allow: allMethods) : .notFound
        }
        var found = SegmentTree.Match()
        guard tree.find(path, &found) else { return .notFound }
        let leaf = leaves[found.leaf]
        guard let entry = entry(for: method, in: leaf) else {
            return method == .options ? .options(allow: leaf.allow) : .methodNotAllowed(allow: leaf.allow)
        }
        if !entry.parameterNames.isEmpty {
            do throws(BadPath) {
                parameters = try Self.decode(found, path, entry.parameterNames)
            } catch {
                return .badPath(error)
            }
        }
        return .endpoint(entry.endpoint, pattern: entry.pattern)
    }

    private func entry(for method: HTTPMethod, in leaf: Leaf) -> Entry? {
        for entry in leaf.routes where entry.method == method { return entry }
        return method == .head ? self.entry(for: .get, in: leaf) : nil
    }

    private static func decode(
        _ match: SegmentTree.Match, _ path: UnsafeRawBufferPointer, _ names: [String]
    ) throws(BadPath) -> PathParameters {
        var values: [String] = []
        values.reserveCapacity(names.count)
        for (index, name) in names.enumerated() {
            let segment = UnsafeRawBufferPointer(rebasing: path[match.parameter(index)])
            do throws(PercentCodingError) {
                values.append(try PercentCoding.decode(segment))
            } catch {
                throw .badEncoding(parameter: name, error)
            }
            if values[index].utf8.contains(where: { $0 == 0x2F || $0 == 0x5C }) { throw .encodedSlash(parameter: name) }
        }
        return PathParameters(names: names, values: values)
    }

    // MARK: Building

    private mutating func insert(_ route: Route) throws(RouterError) {
        guard let segments = SegmentTree.segments(of: route.pattern) else { throw .malformedPattern(route.pattern) }
        let leaf = tree.insert(segments, nextLeaf: leaves.count)
        if leaf == leaves.count { leaves.append(Leaf()) }
        if leaves[leaf].routes.contains(where: { $0.method == route.method }) {
            throw .duplicate(route.method, route.pattern)
        }
        let names = segments.compactMap(\.parameterName)
        leaves[leaf].routes.append(
            Entry(method: route.method, endpoint: route.endpoint, pattern: route.pattern, parameterNames: names))
    }

    /// The methods of `Allow`: those of the table once each, HEAD beside GET, OPTIONS always.
    private static func allowed(_ methods: [HTTPMethod]) -> [HTTPMethod] {
        var allow: [HTTPMethod] = []
        for method in methods {
            if !allow.contains(method) { allow.append(method) }
            if method == .get, !allow.contains(.head) { allow.append(.head) }
        }
        if !allow.contains(.options) { allow.append(.options) }
        return allow
    }
}
