import Crypto
import Encoding
import EventLoop
import Postgres

/// Opens a session for whoever knows the password of an active user.
struct LogIn: Sendable {
    let database: Database
    let passwords: PasswordDesk
    let limit: LoginLimit
    let key: SessionKey
    /// Whole seconds.
    let lifetime: Int

    /// - Throws: `Refusal.badCredentials`, the same for everything that may be wrong.
    func callAsFunction(
        _ email: EmailAddress, _ password: String, from address: String
    ) async throws -> SessionToken {
        let attempt: LoginLimit.Attempt
        switch try await limit.begin(from: address, for: email) {
        case .allowed(let counted): attempt = counted
        case .refused(let retryAfter): throw Refusal.tooManyLogins(retryAfter: retryAfter)
        }
        let user = try await database.first(UserRow.find(email))
        let isRight: Bool
        do {
            isRight = try await passwords.matches(password, user.flatMap { PasswordHash($0.passwordHash) })
        } catch is BlockingPool.QueueFull {
            throw Refusal.busy
        }
        guard isRight, let user else { throw Refusal.badCredentials }
        let token = SessionToken.make()
        let made = try await database.execute(
            SessionRow.insert(.random(), for: user, digest: key.digest(of: token), seconds: lifetime, auditID: .random()))
        // The user was switched off, or has another password, since it was looked at.
        guard made == 1 else { throw Refusal.badCredentials }
        try await limit.succeeded(attempt)
        return token
    }
}
