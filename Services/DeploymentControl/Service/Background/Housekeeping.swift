import EventLoop
import Postgres
import ServiceKit

/// Removes idempotency keys whose window is over.
struct Housekeeping: Sendable {
    let database: Database
    let idempotency: IdempotencyStore
    let logger: Logger
    private static let pause: Duration = .seconds(600)
    private static let batch = 1000

    /// Until it is cancelled.
    func run() async throws {
        guard let loop = Loop.current else { return }
        while !Task.isCancelled {
            do {
                while try await idempotency.removeExpired(limit: Self.batch, on: database) == Self.batch {}
            } catch {
                if !Task.isCancelled { logger.warn("expired keys were not removed", .error(error)) }
            }
            try await loop.sleep(for: Self.pause)
        }
    }
}
