import Crypto
import DeploymentControlDomain
import Encoding
import Postgres

/// The failed end of a deployment.
enum Ending {
    /// ACTIVE → FAILED, with its failures. A failure that is seen again keeps its time.
    /// - Returns: false where the deployment is not active.
    static func fail(
        _ id: UUID, _ findings: [FailureFinding], in transaction: Transaction
    ) async throws(DatabaseError) -> Bool {
        let changed = try await transaction.execute(
            """
            UPDATE deployment SET state = 'FAILED', finished_at = now(), updated_at = now(), last_answer_at = now()
            WHERE id = \(id) AND state = 'ACTIVE'
            """)
        guard changed == 1 else { return false }
        try await transaction.execute(
            """
            INSERT INTO deployment_failure
                (deployment_id, position, fingerprint, category, summary, detail, action_hint, observed_at)
            SELECT \(id), position, fingerprint, category, summary, detail, action_hint, coalesce(observed_at, now())
            FROM unnest(\(findings.map { fingerprint($0) }), \(findings.map(\.category.rawValue)),
                \(findings.map(\.summary)), \(findings.map(\.detail)), \(findings.map(\.actionHint)),
                \(findings.map { $0.observedAt.map { Timestamp(microseconds: $0) } }))
                WITH ORDINALITY AS finding (fingerprint, category, summary, detail, action_hint, observed_at, position)
            ON CONFLICT DO NOTHING
            """)
        return true
    }

    private static func fingerprint(_ finding: FailureFinding) -> [UInt8] {
        SHA256.hash("\(finding.category.rawValue)\n\(finding.summary)").bytes
    }
}
