import Crypto
import Postgres
import ServiceKit

/// How many logins may fail before the next ones are refused unseen. Counted in the database, by its clock and for all
/// instances. An attempt counts before the password is looked at, so that a hundred at once count as a hundred; one that
/// succeeds is given back.
struct LoginLimit: Sendable {
    /// Failed logins a minute from one address for one e-mail.
    static let perAddressAndEmail = RateLimit(bucket: "login", limit: 10, window: .seconds(60))
    /// Failed logins a minute from one address for all e-mails together.
    static let perAddress = RateLimit(bucket: "login-address", limit: 100, window: .seconds(60))

    private let limiter: RateLimiter

    init(_ database: Database) { limiter = RateLimiter(database) }

    /// One attempt that was counted.
    struct Attempt: Sendable {
        fileprivate let address: String
        fileprivate let pair: String
    }

    enum Outcome: Sendable {
        case allowed(Attempt)
        /// Seconds until the next one is looked at.
        case refused(retryAfter: Int)
    }

    func begin(from address: String, for email: EmailAddress) async throws(DatabaseError) -> Outcome {
        // E-mails of people who are not there need not be kept as they are.
        let pair = "\(address) \(SHA256.hash(Array(email.text.utf8)).hex.prefix(32))"
        let own = try await limiter.count(pair, Self.perAddressAndEmail)
        guard own.isAllowed else { return .refused(retryAfter: own.resetSeconds) }
        let all = try await limiter.count(address, Self.perAddress)
        guard all.isAllowed else { return .refused(retryAfter: all.resetSeconds) }
        return .allowed(Attempt(address: address, pair: pair))
    }

    func succeeded(_ attempt: Attempt) async throws(DatabaseError) {
        try await limiter.giveBack(attempt.pair, Self.perAddressAndEmail)
        try await limiter.giveBack(attempt.address, Self.perAddress)
    }
}
