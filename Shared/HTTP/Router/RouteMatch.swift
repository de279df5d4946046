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
    /// A slash or backslash that came percent-encoded.
    case encodedSlash(parameter: String)
    case badEncoding(parameter: String, PercentCodingError)
}

/// Why a table of routes was refused.
public enum RouterError: Error, Sendable, Equatable {
    case malformedPattern(String)
    /// Two routes with the same method and the same shape of path.
    case duplicate(HTTPMethod, String)
}
