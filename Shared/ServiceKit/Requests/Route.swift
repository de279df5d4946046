public import HTTP

/// One operation of a service: the table of them is the service's table of contents.
///
/// ```swift
/// typealias Route = ServiceKit.Route<SiteRole>
/// Route(.post, "/v1/sites", "registerSite", needs: .siteWrite, statuses: [201, 400, 409], api.register)
/// ```
public struct Route<Role: ServiceRole>: Sendable {
    /// Runs once authentication and authorization have passed, before a byte of the body is read.
    public typealias Handler = @Sendable (Request, RequestContext) async throws -> Response

    /// Who may call.
    public enum Access: Sendable, Hashable {
        /// Anyone, without a credential.
        case open
        /// Every known client.
        case authenticated
        /// Clients whose role has the permission.
        case needs(Role.Permission)
    }

    public let method: HTTPMethod
    public let pattern: String
    /// The operation's name in the contract.
    public let operationID: String
    public let access: Access
    /// Statuses that the contract declares for the operation.
    public let statuses: [Int]
    /// Whether the request's log line is written at level debug rather than info: probes.
    let isQuiet: Bool
    let handler: Handler

    public init(
        _ method: HTTPMethod, _ pattern: String, _ operationID: String, access: Access, statuses: [Int],
        _ handler: @escaping Handler
    ) {
        self.init(method, pattern, operationID, access: access, statuses: statuses, isQuiet: false, handler)
    }

    public init(
        _ method: HTTPMethod, _ pattern: String, _ operationID: String, needs permission: Role.Permission,
        statuses: [Int], _ handler: @escaping Handler
    ) {
        self.init(method, pattern, operationID, access: .needs(permission), statuses: statuses, handler)
    }

    init(
        _ method: HTTPMethod, _ pattern: String, _ operationID: String, access: Access, statuses: [Int], isQuiet: Bool,
        _ handler: @escaping Handler
    ) {
        self.method = method
        self.pattern = pattern
        self.operationID = operationID
        self.access = access
        self.statuses = statuses
        self.isQuiet = isQuiet
        self.handler = handler
    }

    /// What a contract test compares.
    public var description: RouteDescription {
        let security: RouteDescription.Security =
            switch access {
            case .open: .open
            case .authenticated: .authenticated
            case .needs(let permission): .permission("\(permission)")
            }
        return RouteDescription(
            method: method.token, pattern: pattern, operationID: operationID, security: security,
            statuses: statuses.sorted())
    }
}

/// One line of a route table as values.
public struct RouteDescription: Sendable, Hashable {
    public enum Security: Sendable, Hashable {
        case open
        case authenticated
        case permission(String)
    }

    public let method: String
    public let pattern: String
    public let operationID: String
    public let security: Security
    /// Rising.
    public let statuses: [Int]
}
