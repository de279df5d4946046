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

    private let table: RouteTable
    private let routes: [Route]

    /// - Throws: `RouterError` where a pattern is malformed or two routes are one.
    public init(_ routes: [Route]) throws(RouterError) {
        table = try RouteTable(routes.map { ($0.method, $0.pattern) })
        self.routes = routes
    }

    /// The endpoint for a request; fills `request.parameters`.
    public func match(_ request: Request) -> RouteMatch<Endpoint> {
        result(table.match(request.method, request.rawPathBytes, &request.parameters))
    }

    /// - Parameter path: as sent, undecoded, without the query.
    public func match(_ method: HTTPMethod, path: String) -> (match: RouteMatch<Endpoint>, parameters: PathParameters) {
        var parameters = PathParameters()
        let found = path.utf8.span.bytes.withUnsafeBytes { table.match(method, $0, &parameters) }
        return (result(found), parameters)
    }

    private func result(_ found: RouteTable.Found) -> RouteMatch<Endpoint> {
        switch found {
        case .route(let number): .endpoint(routes[number].endpoint, pattern: routes[number].pattern)
        case .options(let allow): .options(allow: allow)
        case .notFound: .notFound
        case .methodNotAllowed(let allow): .methodNotAllowed(allow: allow)
        case .badPath(let error): .badPath(error)
        }
    }
}
