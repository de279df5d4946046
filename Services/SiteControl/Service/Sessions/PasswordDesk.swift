import Crypto
import EventLoop

/// Checks passwords beside the loops. Few at a time: each takes 32 MiB and a core for tens of milliseconds.
struct PasswordDesk: Sendable {
    /// Checks under way at once, and those that may wait for their turn; more are refused with `BlockingPool.QueueFull`.
    static let threads = 2
    static let queueLimit = 64

    private let pool = BlockingPool(threads: threads, queueLimit: queueLimit, name: "password")

    /// The same work whether `stored` is there or not.
    func matches(_ password: String, _ stored: PasswordHash?) async throws -> Bool {
        let hash = stored ?? .decoy
        let isRight = try await pool.run { try hash.matches(password) }
        return isRight && stored != nil
    }

    func hash(_ password: String) async throws -> PasswordHash {
        try await pool.run { try PasswordHash.make(password) }
    }
}
