import Encoding
import Postgres
import SiteControlDomain

/// What decides whether a backup or a measurement still says how an environment is.
struct FreshnessFacts: PostgresRow {
    /// The newest completed full backup.
    let backup: UUID?
    let backedUpAt: Timestamp?
    /// When a job that changes the environment last ended.
    let lastChange: Timestamp?
    let now: Timestamp

    init(_ row: inout RowReader) throws(RowError) {
        backup = try row.next()
        backedUpAt = try row.next()
        lastChange = try row.next()
        now = try row.next()
    }

    /// Jobs after which nothing older is fresh, however they ended.
    private static let changing = JobType.allCases.filter(\.definition.changesData).map(\.rawValue)

    static func of(_ environment: UUID) -> SQL<FreshnessFacts> {
        """
        SELECT newest.id, newest.completed_at, \(lastChange(of: environment)), now()
        FROM (VALUES (1)) AS one LEFT JOIN LATERAL (
            SELECT id, completed_at FROM backups
            WHERE environment_id = \(environment) AND backup_scope = 'full' AND status = 'completed'
            ORDER BY completed_at DESC LIMIT 1) AS newest ON true
        """
    }

    private static func lastChange(of environment: UUID) -> SQLFragment {
        """
        (SELECT max(finished_at) FROM jobs
        WHERE environment_id = \(environment) AND finished_at IS NOT NULL AND attempt_count > 0
            AND job_type = ANY (\(changing)))
        """
    }

    /// What has to hold still where something is accepted because of the newest backup.
    func unchanged(of environment: UUID) -> SQLFragment {
        """
        \(Self.lastChange(of: environment)) IS NOT DISTINCT FROM \(lastChange)
        AND EXISTS (SELECT FROM backups WHERE id = \(backup) AND status = 'completed')
        """
    }

    func hasFreshBackup(_ freshness: Freshness) -> Bool {
        freshness.holds(backedUpAt?.microseconds, lastChange: lastChange?.microseconds, now: now.microseconds)
    }
}
