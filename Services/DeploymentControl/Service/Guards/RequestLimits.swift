import Encoding
import HTTP
import Postgres
import ServiceKit

/// Guard 5: requests a minute of one client, reads and mutations apart.
struct RequestLimits: Sendable {
    enum Bucket: String, Sendable, CaseIterable {
        case read
        case mutate
    }

    let limiter: RateLimiter
    let reads: RateLimit
    let mutations: RateLimit

    init(_ database: Database, readsPerMinute: Int, mutationsPerMinute: Int) {
        limiter = RateLimiter(database)
        reads = RateLimit(bucket: Bucket.read.rawValue, limit: readsPerMinute)
        mutations = RateLimit(bucket: Bucket.mutate.rawValue, limit: mutationsPerMinute)
    }

    func limit(of bucket: Bucket) -> RateLimit { bucket == .read ? reads : mutations }

    /// Counts this request of the context's client.
    func count(_ bucket: Bucket, _ context: RequestContext) async throws(Refusal) {
        let decision = try await count(bucket, client: context.identity?.client ?? "anonymous")
        context.userInfo = RateNote(decision)
        if !decision.isAllowed { throw .minuteLimit(decision) }
    }

    /// Counts a request of a client that is known otherwise, such as a capability's.
    func count(_ bucket: Bucket, client: String) async throws(Refusal) -> RateDecision {
        do throws(DatabaseError) {
            return try await limiter.count(client, limit(of: bucket))
        } catch {
            throw .database(error)
        }
    }
}

/// What was counted for a request, until its answer tells the client. In `RequestContext.userInfo`.
final class RateNote {
    let decision: RateDecision

    init(_ decision: RateDecision) { self.decision = decision }
}

extension Response {
    /// Adds what the client should know about its limit.
    mutating func describeLimit(_ context: RequestContext) {
        guard let decision = (context.userInfo as? RateNote)?.decision else { return }
        decision.describe(in: &fields)
        fields.set("RateLimit-Limit", "\(decision.limit.limit)")
        fields.set("RateLimit-Remaining", "\(decision.remaining)")
        fields.set("RateLimit-Reset", "\(decision.resetSeconds)")
    }
}
