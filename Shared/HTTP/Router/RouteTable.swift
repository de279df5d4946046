/// The part of a router that does not depend on what its endpoints are: numbers routes, and finds their numbers.
struct RouteTable: Sendable {
    enum Found {
        case route(Int)
        case options(allow: [HTTPMethod])
        case notFound
        case methodNotAllowed(allow: [HTTPMethod])
        case badPath(BadPath)
    }

    /// The routes that share one shape of path, by method.
    private struct Leaf: Sendable {
        var routes: [(method: HTTPMethod, number: Int)] = []
        var allow: [HTTPMethod] = []
    }

    private let tree: SegmentTree
    private var leaves: [Leaf] = []
    /// By the number of the route.
    private var parameterNames: [[String]] = []
    private var allMethods: [HTTPMethod] = []

    init(_ routes: [(method: HTTPMethod, pattern: String)]) throws(RouterError) {
        var builder = SegmentTreeBuilder()
        for (number, route) in routes.enumerated() {
            guard let segments = SegmentTreeBuilder.segments(of: route.pattern) else {
                throw .malformedPattern(route.pattern)
            }
            let leaf = builder.insert(segments, nextLeaf: leaves.count)
            if leaf == leaves.count { leaves.append(Leaf()) }
            if leaves[leaf].routes.contains(where: { $0.method == route.method }) {
                throw .duplicate(route.method, route.pattern)
            }
            leaves[leaf].routes.append((route.method, number))
            parameterNames.append(segments.compactMap(\.parameterName))
        }
        tree = builder.build()
        for index in leaves.indices { leaves[index].allow = Self.allowed(leaves[index].routes.map(\.method)) }
        allMethods = Self.allowed(leaves.flatMap { $0.routes.map(\.method) })
    }

    func match(
        _ method: HTTPMethod, _ path: UnsafeRawBufferPointer, _ parameters: inout PathParameters
    ) -> Found {
        if path.count == 1, path[0] == 0x2A {
            return method.isSame(as: .options) ? .options(allow: allMethods) : .notFound
        }
        var found = SegmentTree.Match()
        guard tree.find(path, &found) else { return .notFound }
        guard let route = route(for: method, in: found.leaf) else {
            let allow = leaves[found.leaf].allow
            return method.isSame(as: .options) ? .options(allow: allow) : .methodNotAllowed(allow: allow)
        }
        if !parameterNames[route].isEmpty {
            do throws(BadPath) {
                parameters = try Self.decode(found, path, parameterNames[route])
            } catch {
                return .badPath(error)
            }
        }
        return .route(route)
    }

    // MARK: Helpers

    private func route(for method: HTTPMethod, in leaf: Int) -> Int? {
        for index in leaves[leaf].routes.indices where leaves[leaf].routes[index].method.isSame(as: method) {
            return leaves[leaf].routes[index].number
        }
        return method.isSame(as: .head) ? route(for: .get, in: leaf) : nil
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
