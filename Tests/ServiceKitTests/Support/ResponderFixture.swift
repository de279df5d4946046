import EventLoop
import Foundation
import HTTP
import Locking
import TestSupport

@testable import ServiceKit

enum FixtureRole: String, ServiceRole {
    case reader
    case writer

    enum Permission: Hashable, Sendable {
        case read
        case write
    }

    var permissions: Set<Permission> { self == .reader ? [.read] : [.read, .write] }
}

/// Knows clients by their token alone: `reader`, `writer`, `stranger` (no known role); `down` says that the store is.
struct FixtureAuthenticator: RequestAuthenticator {
    func authenticate(_ request: Request) async -> AuthenticationOutcome {
        switch request.header("Authorization") {
        case nil: .refused(.missing)
        case "Bearer down": .unavailable(cause: "database unavailable: test")
        case "Bearer reader": .authenticated(Identity(client: "r", role: "reader", credentialID: "1"))
        case "Bearer writer": .authenticated(Identity(client: "w", role: "writer", credentialID: "2"))
        case "Bearer stranger": .authenticated(Identity(client: "s", role: "emperor", credentialID: "3"))
        default: .refused(.unknown)
        }
    }
}

/// Answers every failure in one shape and keeps what it was asked.
final class FixtureEnvelope: ErrorEnvelope {
    struct Call: Sendable {
        let failure: RequestFailure
        let path: String?
        let route: String?
        let client: String?
        let requestID: String
        let wasCancelled: Bool
    }

    let calls = Locked([Call]())
    private let waiting = Locked([CheckedContinuation<Void, Never>]())

    func response(for failure: RequestFailure, context: RequestContext) async -> Response {
        let call = Call(
            failure: failure, path: context.path, route: context.route?.pattern, client: context.identity?.client,
            requestID: context.requestIDText, wasCancelled: Task.isCancelled)
        calls.withLock { $0.append(call) }
        let waiters = waiting.withLock { waiting in
            defer { waiting = [] }
            return waiting
        }
        for waiter in waiters { waiter.resume() }
        let status: HTTPStatus =
            switch failure {
            case .fault(let fault): fault.status
            case .notFound: .notFound
            case .methodNotAllowed: .methodNotAllowed
            case .badPath: .badRequest
            case .unauthenticated: .unauthorized
            case .authenticationUnavailable: .serviceUnavailable
            case .forbidden: .forbidden
            case .handler: .internalServerError
            }
        return Response(status, contentType: "application/json", Array("{\"verdict\":\"BLOCK\"}".utf8))
    }

    /// Returns once there was a call.
    func awaitCall() async {
        await withCheckedContinuation { continuation in
            let isThere = calls.withLock { calls in
                if calls.isEmpty { waiting.withLock { $0.append(continuation) } }
                return !calls.isEmpty
            }
            if isThere { continuation.resume() }
        }
    }
}

/// A server on loopback with one responder, its envelope's calls, its log and its metrics.
final class ResponderFixture: Sendable {
    let envelope = FixtureEnvelope()
    let metrics = Metrics(loops: TestLoops.group)
    let address: SocketAddress
    private let server: HTTPServer
    private let logPath: String
    private let logDescriptor: Int32

    init(
        _ routes: [Route<FixtureRole>], options: ResponderOptions = ResponderOptions(), level: LogLevel = .debug
    ) throws {
        logPath = NSTemporaryDirectory() + UUID().uuidString
        logDescriptor = open(logPath, O_CREAT | O_RDWR | O_APPEND, 0o600)
        let logger = Logger(level: level, format: .json, sink: LogSink(descriptor: logDescriptor), loops: TestLoops.group)
        let responder = try ServiceResponder(
            routes: routes, authenticator: FixtureAuthenticator(), envelope: envelope, options: options,
            loops: TestLoops.group, logger: logger, metrics: metrics)
        server = HTTPServer(
            configuration: HTTPServerConfiguration(listener: .address(try SocketAddress(parsing: "127.0.0.1:0"))),
            loops: TestLoops.group, responder: responder)
        try server.start()
        guard let bound = server.boundAddress else { throw SystemError(errno: 0, call: "bind") }
        address = bound
    }

    func stop() async {
        await server.drain(grace: .milliseconds(100))
        close(logDescriptor)
        unlink(logPath)
    }

    func get(_ path: String, as token: String? = "reader", fields: [String: String] = [:]) async throws -> TestResponse {
        try await exchange("GET", path, as: token, fields: fields)
    }

    func exchange(
        _ method: String, _ path: String, as token: String? = "reader", fields: [String: String] = [:], body: [UInt8] = []
    ) async throws -> TestResponse {
        var fields = fields
        if let token { fields["Authorization"] = "Bearer \(token)" }
        return try await TestClient.exchange(address, method, path, fields: fields, body: body)
    }

    /// The log's lines, once the ticks that answered are over.
    func logLines() async throws -> [[String: Any]] {
        for _ in 0..<2 { for loop in TestLoops.group.loops { try await loop.run {} } }
        let text = try String(contentsOfFile: logPath, encoding: .utf8)
        return try text.split(separator: "\n").map { line in
            try JSONSerialization.jsonObject(with: Data(line.utf8)) as? [String: Any] ?? [:]
        }
    }

    var exposition: String { String(decoding: metrics.exposition(), as: UTF8.self) }
}

func withResponder(
    _ routes: [Route<FixtureRole>], options: ResponderOptions = ResponderOptions(), level: LogLevel = .debug,
    _ body: (ResponderFixture) async throws -> Void
) async throws {
    let fixture = try ResponderFixture(routes, options: options, level: level)
    do {
        try await body(fixture)
    } catch {
        await fixture.stop()
        throw error
    }
    await fixture.stop()
}
