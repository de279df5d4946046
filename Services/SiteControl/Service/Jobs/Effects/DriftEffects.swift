import Encoding
import Postgres
import SiteControlDomain

/// Baselines and drift checks (reference 8.5).
enum DriftEffects {
    /// What production was when the environment was made from it, or promoted to it.
    static func baseline(of environment: UUID, _ measured: ProtectedChecksums) -> Command {
        """
        INSERT INTO drift_checks (id, environment_id, promotion_preset, kind, status, db_checksums_json, file_checksums_json)
        SELECT \(UUID.random()), e.id, e.promotion_preset, 'baseline', 'unknown', \(measured.tablesJSON), \(measured.treesJSON)
        FROM environments e WHERE e.id = \(environment)
        """
    }

    /// The record first: the environment may only say what a record says.
    static func check(
        _ job: JobTicket, _ environment: UUID, _ comparison: DriftComparison, _ measured: ProtectedChecksums
    ) -> [Command] {
        let (record, status) = (UUID.random(), comparison.status.rawValue)
        let preset = job.text("preset").flatMap(PromotionPreset.init)?.rawValue
        return [
            """
            INSERT INTO drift_checks (id, environment_id, promotion_preset, kind, status, db_checksums_json, file_checksums_json)
            SELECT \(record), e.id, coalesce(\(preset), e.promotion_preset), 'check', \(status), \(measured.tablesJSON),
                \(measured.treesJSON)
            FROM environments e WHERE e.id = \(environment)
            """,
            """
            UPDATE environments SET drift_status = \(status), drift_checked_at = now(), last_drift_check_id = \(record)
            WHERE id = \(environment)
            """,
        ]
    }

    static func outdate(environmentsMadeFrom environment: UUID) -> Command {
        """
        UPDATE environments SET drift_status = 'unknown'
        WHERE source_environment_id = \(environment) AND drift_status <> 'unknown'
        """
    }

    /// What the next check of the environment is compared with; nil where none was ever taken.
    static func newestBaseline(of environment: UUID) -> SQL<Columns<JSONText, JSONText>> {
        """
        SELECT db_checksums_json, file_checksums_json FROM drift_checks
        WHERE environment_id = \(environment) AND kind = 'baseline' ORDER BY checked_at DESC LIMIT 1
        """
    }
}
