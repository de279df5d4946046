import Encoding
import HTTP
import Postgres
import ServiceKit

/// The guards that every request passes before its own (reference 2.3, 4 to 8), in that order, whatever it asks for.
///
/// ```swift
/// func register(_ request: Request, _ context: RequestContext) async throws -> Response {
///     let call = try await desk.admit(request, context)
///     return try await desk.answer(call, try await registerBuild(call))
/// }
/// ```
struct MutationDesk: Sendable {
    let database: Database
    let killSwitch: KillSwitch
    let limits: RequestLimits
    let idempotency: IdempotencyStore

    /// Guard 5 of a read. The decision is kept for the `RateLimit` fields, which the envelope adds to every answer.
    func admitRead(_ context: RequestContext) async throws(Refusal) {
        try await limits.count(.read, context)
    }

    /// Guards 4 and 5 of a mutation without a key.
    func admitUnkeyed(_ context: RequestContext) async throws(Refusal) {
        try await killSwitch.refuseIfOn()
        try await limits.count(.mutate, context)
    }

    /// Guards 4 to 7: kill switch, minute limit, key, body.
    ///
    /// - Parameter allowsEmptyBody: an absent body means `{}`.
    func admit(
        _ request: Request, _ context: RequestContext, allowsEmptyBody: Bool = false
    ) async throws(Refusal) -> MutationCall {
        try await admitUnkeyed(context)
        let key = try Self.key(of: request)
        let body = try await JSONBody.read(request, allowsEmpty: allowsEmptyBody)
        let caller = Caller(context)
        return MutationCall(
            caller: caller, body: body,
            idempotent: IdempotentRequest(
                client: caller.client, method: request.method.token, path: request.path, key: key,
                bodyDigest: CanonicalJSON.digest(.object(body))))
    }

    /// Guard 8, within the transaction that also stores what the call does.
    ///
    /// - Returns: the claim where this call is to run, or the stored answer where it ran before.
    func claim(_ call: MutationCall, on database: some Queryable) async throws -> Claimed {
        switch try await idempotency.claim(call.idempotent, on: database) {
        case .owned(let claim): return .owned(claim)
        case .finished(let stored): return .replay(stored)
        case .inProgress: throw Refusal.idempotencyInProgress
        case .conflict: throw Refusal.idempotencyConflict
        }
    }

    private static func key(of request: Request) throws(Refusal) -> IdempotencyKey {
        do throws(IdempotencyKey.Problem) {
            return try IdempotencyKey(request)
        } catch {
            throw error == .missing ? .keyMissing : .keyMalformed
        }
    }
}

/// What came of claiming a key.
enum Claimed: Sendable {
    case owned(OwnedClaim)
    case replay(StoredResponse)
}

/// A mutation that has passed guards 4 to 7.
struct MutationCall: Sendable {
    let caller: Caller
    let body: JSONObject
    let idempotent: IdempotentRequest
}

/// What a mutation answers: made now, or given again.
struct MutationAnswer: Sendable {
    let stored: StoredResponse
    let isReplay: Bool

    var response: Response { stored.response(replayed: isReplay) }
}
