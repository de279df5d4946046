public import Encoding
public import EventLoop
public import HTTP

/// What is known about the request that is being answered, beside its message. One object for each connection, used again
/// for every request of it: valid until the response is returned, never to be kept. Loop-bound.
public final class RequestContext {
    /// Version 4; the server's own, or the client's where the service accepts it.
    public internal(set) var requestID = UUID(high: 0, low: 0)
    /// As `X-Request-Id` says it: the client's own text where the service accepts it, else `requestID`.
    public internal(set) var requestIDText = ""
    /// The client's `X-Request-Id` where it sent one of at most 128 visible ASCII characters.
    public internal(set) var clientRequestID: String?
    public internal(set) var trace = TraceContext(startingAt: UUID(high: 0, low: 1), spanID: 1)
    /// nil before authentication and on open routes.
    public internal(set) var identity: Identity?
    /// The template and operation of the matched route; nil where none matched.
    public internal(set) var route: RouteName?
    /// nil where the bytes never became a request.
    public internal(set) var method: HTTPMethod?
    /// When the first byte of the request was read.
    public internal(set) var startedAt = MonotonicTime(nanoseconds: 0)
    public internal(set) var peer: SocketAddress?
    /// A slot for the service, empty at the start of each request.
    public var userInfo: AnyObject?

    /// Fields that the handler adds to the request's log line.
    private(set) var notes: [LogField] = []
    private unowned(unsafe) var request: Request?
    private var faultPath: String?
    let random: LoopRandom

    init(random: LoopRandom) { self.random = random }

    /// The undecoded path without the query; nil where the request line was not understood.
    public var path: String? { request?.rawPath ?? faultPath }

    /// Adds a field to the request's log line. Never a secret.
    public func note(_ field: LogField) { notes.append(field) }

    /// A new version 4 id, from this loop's random numbers.
    public func makeUUID() -> UUID { random.uuid() }

    // MARK: The responder's side

    func begin(_ request: Request) {
        reset()
        self.request = request
        method = request.method
        startedAt = request.receivedAt.nanoseconds == 0 ? .now() : request.receivedAt
        peer = request.peer
        readIdentifiers(of: request)
    }

    func begin(_ fault: HTTPFault) {
        reset()
        method = fault.method
        faultPath = fault.path
        startedAt = .now()
        requestID = random.uuid()
        requestIDText = requestID.description
        trace = TraceContext(startingAt: requestID, spanID: random.next())
    }

    func end() {
        request = nil
        userInfo = nil
        if !notes.isEmpty { notes.removeAll() }
    }

    /// Uses the client's id in answers and logs.
    func acceptClientRequestID() {
        if let clientRequestID { requestIDText = clientRequestID }
    }

    private func reset() {
        clientRequestID = nil
        identity = nil
        route = nil
        faultPath = nil
        end()
    }

    private func readIdentifiers(of request: Request) {
        requestID = random.uuid()
        requestIDText = requestID.description
        if let sent = request.headerBytes("X-Request-Id"), (1...128).contains(sent.count),
            sent.allSatisfy({ $0 > 0x20 && $0 < 0x7F })
        {
            clientRequestID = String(decoding: sent, as: UTF8.self)
        }
        let spanID = random.next()
        if let sent = request.headerBytes("traceparent"), let continued = TraceContext(continuing: sent, spanID: spanID) {
            trace = continued
        } else {
            trace = TraceContext(startingAt: requestID, spanID: spanID)
        }
    }
}

/// How a route is called in logs, metrics and contracts.
public struct RouteName: Sendable, Hashable {
    /// `/v1/sites/{site}`
    public let pattern: String
    public let operationID: String

    public init(pattern: String, operationID: String) {
        self.pattern = pattern
        self.operationID = operationID
    }
}
