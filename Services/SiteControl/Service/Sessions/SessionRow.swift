import Encoding
import Postgres

/// A session as a request finds it, with the person it belongs to.
struct SessionRow: PostgresRow {
    let id: UUID
    let userID: UUID
    let email: String
    /// Logged out, or the person may not sign in any more.
    let isRevoked: Bool
    /// By the database's clock.
    let isExpired: Bool

    init(_ row: inout RowReader) throws(RowError) {
        id = try row.next()
        userID = try row.next()
        email = try row.next()
        isRevoked = try row.next()
        isExpired = try row.next()
    }

    static func find(digest: String) -> SQL<SessionRow> {
        """
        SELECT s.id, u.id, u.email, s.revoked_at IS NOT NULL OR NOT u.is_active, s.expires_at <= clock_timestamp()
        FROM auth_sessions AS s JOIN users AS u ON u.id = s.user_id WHERE s.session_token = \(digest)
        """
    }

    /// Makes a session for a person who may still sign in with the password that was checked, and notes it in the audit log,
    /// all in one statement: no row where that has changed since.
    static func insert(_ id: UUID, for user: UserRow, digest: String, seconds: Int, auditID: UUID) -> Command {
        """
        WITH made AS (
            INSERT INTO auth_sessions (id, user_id, session_token, expires_at)
            SELECT \(id), u.id, \(digest), now() + \(seconds) * interval '1 second'
            FROM users AS u WHERE u.id = \(user.id) AND u.is_active AND u.password_hash = \(user.passwordHash)
            RETURNING id, user_id)
        INSERT INTO audit_logs (id, user_id, actor, action, resource_type, resource_id, result)
        SELECT \(auditID), made.user_id, \(user.email), 'login', 'session', made.id::text, 'succeeded' FROM made
        """
    }

    /// Ends a session from now on, with its audit row: no row where it had ended already.
    static func revoke(_ id: UUID, actor: String, auditID: UUID) -> Command {
        """
        WITH ended AS (
            UPDATE auth_sessions SET revoked_at = now()
            WHERE id = \(id) AND revoked_at IS NULL AND expires_at > now() RETURNING id, user_id)
        INSERT INTO audit_logs (id, user_id, actor, action, resource_type, resource_id, result)
        SELECT \(auditID), ended.user_id, \(actor), 'logout', 'session', ended.id::text, 'succeeded' FROM ended
        """
    }

    static func sessionIsAlive(_ id: UUID) -> SQL<Bool> {
        """
        SELECT EXISTS (
            SELECT FROM auth_sessions AS s JOIN users AS u ON u.id = s.user_id
            WHERE s.id = \(id) AND s.revoked_at IS NULL AND s.expires_at > clock_timestamp() AND u.is_active)
        """
    }

    static func tokenIsAlive(_ id: String) -> SQL<Bool> {
        """
        SELECT EXISTS (
            SELECT FROM access_token WHERE id = \(id) AND revoked_at IS NULL
                AND (expires_at IS NULL OR expires_at > clock_timestamp()))
        """
    }
}

/// A person as a login finds them.
struct UserRow: PostgresRow {
    let id: UUID
    let email: String
    let passwordHash: String

    init(_ row: inout RowReader) throws(RowError) {
        id = try row.next()
        email = try row.next()
        passwordHash = try row.next()
    }

    /// Nobody who may not sign in.
    static func find(_ email: EmailAddress) -> SQL<UserRow> {
        "SELECT id, email, password_hash FROM users WHERE email = \(email.text) AND is_active"
    }
}
