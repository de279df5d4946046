import EventLoop
import Postgres
import ServiceKit

/// Removes what sessions leave behind: those that ended long ago, and counts of failed logins that are over.
struct SessionHousekeeping: Sendable {
    static let interval = Duration.seconds(3600)
    /// How long an ended session stays, for those who look into the past.
    static let keepDays = 7

    let database: Database
    let logger: Logger

    func run() async throws {
        guard let loop = Loop.current else { return }
        while true {
            do {
                let sessions = try await database.execute(
                    """
                    DELETE FROM auth_sessions
                    WHERE least(expires_at, revoked_at) < now() - \(Self.keepDays) * interval '1 day'
                    """)
                try await database.execute("DELETE FROM rate_window WHERE started_at < now() - interval '1 hour'")
                if sessions > 0 { logger.info("old sessions removed", .number("sessions", sessions)) }
            } catch {
                logger.warn("old sessions not removed", .error(error))
            }
            try await loop.sleep(for: Self.interval)
        }
    }
}
