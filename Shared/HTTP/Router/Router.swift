/// Finds the endpoint of a path. Built once, matched without allocation where the path has no parameter.
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

    /// - Throws: `RouterError` where a pattern is malformed or two routes are one.
    public init(_ routes: [Route]) throws(RouterError) {
    }

    /// The endpoint for a request; fills `request.parameters`.
    public func match(_ request: Request) -> RouteMatch<Endpoint> {
        .notFound
    }

    /// - Parameter path: as sent, undecoded, without the query.
    public func match(_ method: HTTPMethod, path: String) -> (match: RouteMatch<Endpoint>, parameters: PathParameters) {
        (.notFound, PathParameters())
    }
}

/// What a router found.
public enum RouteMatch<Endpoint: Sendable>: Sendable {
    /// HEAD finds the endpoint of GET where it has none of its own.
    case endpoint(Endpoint, pattern: String)
    /// OPTIONS where no route of its own answers it: 204 with `Allow`.
    case options(allow: [HTTPMethod])
    case notFound
    /// The path exists: 405 with `Allow`.
    case methodNotAllowed(allow: [HTTPMethod])
    /// A path parameter that is refused: 400.
    case badPath(BadPath)
}

/// Why a path parameter was refused.
public enum BadPath: Error, Sendable, Equatable {
    /// `%2F` or `%5C`
    case encodedSlash(parameter: String)
    case badEncoding(parameter: String, PercentCodingError)
}

/// Why a table of routes was refused.
public enum RouterError: Error, Sendable, Equatable {
    case malformedPattern(String)
    /// Two routes with the same method and the same shape of path.
    case duplicate(HTTPMethod, String)
}
