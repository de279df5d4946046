import Encoding
import HTTP

/// `/healthz`, `/readyz` and `/metrics`: open, and logged at level debug.
struct HealthEndpoints: Sendable {
    private let readiness: Readiness
    private let metrics: Metrics

    init(_ readiness: Readiness, _ metrics: Metrics) {
        self.readiness = readiness
        self.metrics = metrics
    }

    func routes<Role>(_ role: Role.Type = Role.self) -> [Route<Role>] {
        [
            Route(.get, "/healthz", "healthz", access: .open, statuses: [200], isQuiet: true) { _, _ in
                Self.answer(.ok, "ok", [])
            },
            Route(.get, "/readyz", "readyz", access: .open, statuses: [200, 503], isQuiet: true) { _, _ in
                switch await readiness.check() {
                case .ready: Self.answer(.ok, "ready", [])
                case .notReady(let reasons): Self.answer(.serviceUnavailable, "not ready", reasons)
                }
            },
            Route(.get, "/metrics", "metrics", access: .open, statuses: [200], isQuiet: true) { _, _ in
                Response(.ok, contentType: Metrics.contentType, metrics.exposition())
            },
        ]
    }

    private static func answer(_ status: HTTPStatus, _ word: String, _ reasons: [String]) -> Response {
        var json = JSONWriter()
        json.beginObject()
        json.member("status", word)
        if !reasons.isEmpty {
            json.key("reasons")
            json.beginArray()
            for reason in reasons { json.value(reason) }
            json.endArray()
        }
        json.endObject()
        return Response(status, contentType: "application/json", json.finish())
    }
}

/// The envelope of the admin listener: a code and nothing else.
struct AdminEnvelope: ErrorEnvelope {
    func response(for failure: RequestFailure, context: RequestContext) async -> Response {
        let (status, code): (HTTPStatus, String) =
            switch failure {
            case .fault(let fault): (fault.status, fault.reason.rawValue)
            case .notFound: (.notFound, "not_found")
            case .methodNotAllowed: (.methodNotAllowed, "method_not_allowed")
            case .badPath: (.badRequest, "bad_path")
            case .unauthenticated: (.unauthorized, "unauthenticated")
            case .authenticationUnavailable: (.serviceUnavailable, "unavailable")
            case .forbidden: (.forbidden, "forbidden")
            case .handler: (.internalServerError, "internal_error")
            }
        var json = JSONWriter()
        json.beginObject()
        json.member("code", code)
        json.endObject()
        return Response(status, contentType: "application/json", json.finish())
    }
}

/// Nobody is known on the admin listener: all its routes are open.
struct NoAuthenticator: RequestAuthenticator {
    func authenticate(_ request: Request) async -> AuthenticationOutcome { .refused(.missing) }
}
