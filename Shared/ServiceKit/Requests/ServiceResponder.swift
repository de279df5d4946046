public import EventLoop
public import HTTP

/// Answers the requests of a service: finds the route, the client and its right, runs the handler, and sends every failure
/// through the service's one envelope. Each request gets an id, a place in its trace, numbers and one log line.
///
/// Order: route, authentication, authorization, handler. No byte of a body is read before the first three have passed.
public final class ServiceResponder<Role: ServiceRole>: HTTPResponder {
    private let router: Router<Endpoint<Role>>
    private let authenticator: any RequestAuthenticator
    private let envelope: any ErrorEnvelope
    private let options: ResponderOptions
    private let logger: Logger
    private let metrics: RequestMetrics
    private let randoms: PerLoop<LoopRandom>

    /// - Throws: where a pattern is malformed or two routes are one.
    public init(
        routes: [Route<Role>], authenticator: any RequestAuthenticator, envelope: any ErrorEnvelope,
        options: ResponderOptions = ResponderOptions(), loops: LoopGroup, logger: Logger, metrics: Metrics
    ) throws(RouterError) {
        let requestMetrics = RequestMetrics(metrics)
        let rows = routes.map { route in
            Router<Endpoint<Role>>.Route(
                route.method, route.pattern,
                Endpoint(route, requestMetrics.route(method: route.method.token, route.pattern)))
        }
        router = try Router(rows)
        self.authenticator = authenticator
        self.envelope = envelope
        self.options = options
        self.logger = logger
        self.metrics = requestMetrics
        randoms = PerLoop(loops) { _ in LoopRandom() }
    }

    public func respond(to request: Request) async -> Response {
        let context = context(of: request)
        context.begin(request)
        if options.acceptsClientRequestID { context.acceptClientRequestID() }
        metrics.inFlight.add(1)
        var numbers = metrics.unrouted
        var isQuiet = false
        var failure: RequestFailure?
        var response: Response
        switch router.match(request) {
        case .endpoint(let endpoint, _):
            numbers = endpoint.metrics
            isQuiet = endpoint.route.isQuiet
            context.route = endpoint.name
            do throws(Refusal) {
                try await admit(request, to: endpoint, context)
                response = try await run(endpoint, request, context)
            } catch {
                failure = error.failure
                response = await enveloped(error.failure, context)
            }
        case .options(let allow):
            response = Response(.noContent, fields: ["Allow": allow.allowFieldValue])
        case .notFound:
            failure = .notFound
            response = await enveloped(.notFound, context)
        case .methodNotAllowed(let allow):
            failure = .methodNotAllowed(allow: allow)
            response = await enveloped(.methodNotAllowed(allow: allow), context)
        case .badPath(let reason):
            failure = .badPath(reason)
            response = await enveloped(.badPath(reason), context)
        }
        if !options.corsOrigins.isEmpty { CrossOrigin.describe(request, in: &response, origins: options.corsOrigins) }
        finish(&response, failure, context)
        report(&response, failure, context, numbers, isQuiet: isQuiet)
        return response
    }

    public func respond(toFault fault: HTTPFault) async -> Response {
        let context = RequestContext(random: randoms.current ?? LoopRandom())
        context.begin(fault)
        metrics.inFlight.add(1)
        let failure = RequestFailure.fault(fault)
        var response = await enveloped(failure, context)
        finish(&response, failure, context)
        response.closesConnection = true
        report(&response, failure, context, metrics.unrouted, isQuiet: false)
        return response
    }

    // MARK: Steps

    private func context(of request: Request) -> RequestContext {
        if let known = request.userInfo as? RequestContext { return known }
        let made = RequestContext(random: randoms.current ?? LoopRandom())
        request.userInfo = made
        return made
    }

    /// Authentication and authorization.
    private func admit(
        _ request: Request, to endpoint: Endpoint<Role>, _ context: RequestContext
    ) async throws(Refusal) {
        if case .open = endpoint.route.access { return }
        switch await authenticator.authenticate(request) {
        case .refused(let cause): throw Refusal(failure: .unauthenticated(cause))
        case .forbidden(let lack): throw Refusal(failure: .forbidden(permission: lack))
        case .unavailable(let cause): throw Refusal(failure: .authenticationUnavailable(cause: cause))
        case .authenticated(let identity):
            context.identity = identity
            guard endpoint.allows(identity.role) else {
                throw Refusal(failure: .forbidden(permission: endpoint.permissionName))
            }
        }
    }

    private func run(
        _ endpoint: Endpoint<Role>, _ request: Request, _ context: RequestContext
    ) async throws(Refusal) -> Response {
        do {
            return try await endpoint.route.handler(request, context)
        } catch {
            throw Refusal(failure: .handler(error))
        }
    }

    /// The envelope's answer. Where the client has left, it runs in a task of its own on this loop, so that what it records
    /// is recorded all the same.
    private func enveloped(_ failure: RequestFailure, _ context: RequestContext) async -> Response {
        guard Task.isCancelled, let loop = Loop.current else {
            return await envelope.response(for: failure, context: context)
        }
        let carried = SameLoop(context)
        return await withoutCancellation(on: loop) { [envelope] in
            await envelope.response(for: failure, context: carried.value)
        }
    }

    /// The fields that every response has.
    private func finish(_ response: inout Response, _ failure: RequestFailure?, _ context: RequestContext) {
        switch failure {
        case .unauthenticated where !response.fields.contains("WWW-Authenticate"):
            response.fields.add("WWW-Authenticate", options.challenge)
        case .methodNotAllowed(let allow) where !response.fields.contains("Allow"):
            response.fields.add("Allow", allow.allowFieldValue)
        default: break
        }
        response.fields.set("X-Request-Id", context.requestIDText)
        response.fields.set("X-Content-Type-Options", "nosniff")
        if !response.fields.contains("Cache-Control") { response.fields.add("Cache-Control", "no-store") }
    }

    /// Counts and logs, for a streamed body once it has ended.
    private func report(
        _ response: inout Response, _ failure: RequestFailure?, _ context: RequestContext, _ numbers: RouteMetrics,
        isQuiet: Bool
    ) {
        let line = RequestLine(response.status.code, failure, context, isQuiet: isQuiet)
        context.end()
        guard case .stream(let length, let write) = response.body else {
            let bytes = response.body.length ?? 0
            return record(line, numbers, bytes: bytes)
        }
        // Counted where the body ends, breaks off, or is never asked for (HEAD, a client that left).
        let pending = PendingReport { [self] bytes, error in
            record(error.map { line.broken(by: $0) } ?? line, numbers, bytes: bytes)
        }
        response.body = .stream(contentLength: length) { writer in
            do {
                try await write(writer)
                pending.settle(bytes: writer.writtenBytes, nil)
            } catch {
                pending.settle(bytes: writer.writtenBytes, error)
                throw error
            }
        }
    }

    private func record(_ line: RequestLine, _ numbers: RouteMetrics, bytes: Int) {
        let duration = MonotonicTime.now() - line.startedAt
        metrics.inFlight.add(-1)
        numbers.record(status: line.status, duration)
        line.write(to: logger, duration: duration, bytes: bytes)
    }
}

/// What a service may choose about its responder.
public struct ResponderOptions: Sendable {
    /// Whether a client's `X-Request-Id` takes the place of the server's own in answers and logs.
    public var acceptsClientRequestID = false
    /// `WWW-Authenticate` of a 401.
    public var challenge = "Bearer"
    /// Origins whose pages may call, `https://console.example`; none where it is empty. Credentials are tokens, never cookies.
    public var corsOrigins: [String] = []

    public init() {}
}

/// A route with what is worked out once at the start.
struct Endpoint<Role: ServiceRole>: Sendable {
    let route: Route<Role>
    let metrics: RouteMetrics
    let name: RouteName
    /// Raw values of the roles that may; nil where any may.
    private let roles: Set<String>?

    init(_ route: Route<Role>, _ metrics: RouteMetrics) {
        self.route = route
        self.metrics = metrics
        name = RouteName(pattern: route.pattern, operationID: route.operationID)
        if case .needs(let permission) = route.access {
            roles = Set(Role.allCases.filter { $0.permissions.contains(permission) }.map(\.rawValue))
        } else {
            roles = nil
        }
    }

    func allows(_ role: String) -> Bool { roles?.contains(role) ?? true }

    var permissionName: String {
        if case .needs(let permission) = route.access { return "\(permission)" }
        return ""
    }
}

private struct Refusal: Error {
    let failure: RequestFailure
}
