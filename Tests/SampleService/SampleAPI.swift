import Crypto
import Encoding
import EventLoop
import HTTP
import Postgres
import ServiceKit

struct SampleAPI: Sendable {
    typealias Route = ServiceKit.Route<SampleRole>

    let database: Database
    let limit: RateLimit
    let publicURL: String

    var routes: [Route] {
        [
            Route(.post, "/v1/notes", "addNote", needs: .write, statuses: [201, 400, 409, 413], addNote),
            Route(.get, "/v1/notes/{id}", "readNote", needs: .read, statuses: [200, 404, 429], readNote),
            Route(.get, "/v1/slow", "slow", needs: .read, statuses: [200], slow),
            Route(.get, "/v1/broken", "broken", needs: .read, statuses: [500], broken),
            Route(.get, "/v1/open", "open", access: .open, statuses: [200]) { _, context in
                Response(.ok, text: "\(publicURL) \(context.trace.traceparent)")
            },
        ]
    }

    /// One note for one key, with its audit event, in one transaction.
    @Sendable func addNote(_ request: Request, _ context: RequestContext) async throws -> Response {
        let key = try IdempotencyKey(request)
        let client = context.identity?.client ?? ""
        let body = try await request.body.collect(upTo: 4096)
        let text = String(decoding: body, as: UTF8.self)
        let idempotent = IdempotentRequest(
            client: client, method: request.method.token, path: request.rawPath, key: key, bodyDigest: SHA256.hash(body))
        let outcome = try await IdempotencyStore().once(idempotent, on: database) { transaction in
            let id = try await transaction.one("INSERT INTO note (text) VALUES (\(text)) RETURNING id" as SQL<Int>)
            try await AuditTrail.append(
                AuditEvent(
                    of: context, action: "NOTE_ADD", targetType: "note", targetID: "\(id)", outcome: .success,
                    summary: "A note was added."), in: transaction)
            return StoredResponse(
                status: 201, fields: ["Content-Type": "application/json", "Location": "\(publicURL)/v1/notes/\(id)"],
                body: Array("{\"id\":\(id)}".utf8))
        }
        switch outcome {
        case .performed(let stored): return stored.response(replayed: false)
        case .replayed(let stored): return stored.response(replayed: true)
        case .conflict: throw SampleError.conflict
        case .inProgress: throw SampleError.inProgress
        }
    }

    @Sendable func readNote(_ request: Request, _ context: RequestContext) async throws -> Response {
        let decision = try await RateLimiter(database).count(context.identity?.client ?? "", limit)
        guard decision.isAllowed else { throw SampleError.limited(decision) }
        guard let id = try? request.parameters.value("id", as: Int.self),
            let text = try await database.first("SELECT text FROM note WHERE id = \(id)" as SQL<String>)
        else { throw SampleError.noSuchNote }
        var response = Response(.ok, text: text)
        decision.describe(in: &response.fields)
        return response
    }

    /// Takes a second.
    @Sendable func slow(_ request: Request, _ context: RequestContext) async throws -> Response {
        try await Loop.current?.sleep(for: .seconds(1))
        return Response(.ok, text: "at last")
    }

    @Sendable func broken(_ request: Request, _ context: RequestContext) async throws -> Response {
        context.note(.text("hint", "on purpose"))
        throw SampleError.broken
    }
}

enum SampleError: Error {
    case conflict
    case inProgress
    case noSuchNote
    case limited(RateDecision)
    case broken
}

struct SampleEnvelope: ErrorEnvelope {
    func response(for failure: RequestFailure, context: RequestContext) async -> Response {
        let (status, code) = Self.answer(to: failure)
        var json = JSONWriter()
        json.beginObject()
        json.member("code", code)
        json.member("request_id", context.requestIDText)
        json.endObject()
        var response = Response(status, contentType: "application/json", json.finish())
        if case .handler(let error) = failure, case SampleError.limited(let decision)? = error as? SampleError {
            decision.describe(in: &response.fields)
        }
        return response
    }

    private static func answer(to failure: RequestFailure) -> (HTTPStatus, String) {
        switch failure {
        case .fault(let fault): (fault.status, fault.reason.rawValue)
        case .notFound: (.notFound, "NOT_FOUND")
        case .methodNotAllowed: (.methodNotAllowed, "METHOD_NOT_ALLOWED")
        case .badPath: (.badRequest, "BAD_PATH")
        case .unauthenticated: (.unauthorized, "UNAUTHORIZED")
        case .authenticationUnavailable: (.serviceUnavailable, "STORAGE_UNAVAILABLE")
        case .forbidden: (.forbidden, "ROLE_FORBIDDEN")
        case .handler(let error): answer(to: error)
        }
    }

    private static func answer(to error: any Error) -> (HTTPStatus, String) {
        switch error {
        case SampleError.conflict: (.conflict, "IDEMPOTENCY_CONFLICT")
        case SampleError.inProgress: (.conflict, "IDEMPOTENCY_IN_PROGRESS")
        case SampleError.noSuchNote: (.notFound, "NOT_FOUND")
        case SampleError.limited: (.tooManyRequests, "RATE_LIMITED")
        case is IdempotencyKey.Problem: (.badRequest, "IDMP_KEY_REQUIRED")
        case let error as BodyError: (error.status, "BAD_BODY")
        case let error as DatabaseError where error.isRetryable: (.serviceUnavailable, "STORAGE_UNAVAILABLE")
        default: (.internalServerError, "INTERNAL_ERROR")
        }
    }
}
