import DeploymentControlDomain
import Encoding
import Postgres

/// Reads and writes of upload capabilities. Time is the database's.
enum CapabilityStore {
    /// A capability as it stands now.
    struct Standing: PostgresRow {
        let id: UUID
        let client: String
        let state: CapabilityState
        let isExpired: Bool

        init(_ row: inout RowReader) throws(RowError) {
            id = try row.next()
            client = try row.next()
            state = CapabilityState(rawValue: try row.next()) ?? .used
            isExpired = try row.next()
        }
    }

    static func insert(
        _ id: UUID, _ artifact: ExpectedArtifact, reference: String, client: String, lifetime: Duration
    ) -> SQL<Columns<Timestamp, Timestamp>> {
        let path = artifact.path
        return """
            INSERT INTO upload_capability
                (id, client, service, version, size_bytes, sha256, content_type, artifact_ref, expires_at)
            VALUES (\(id), \(client), \(path.service.text), \(path.version.text), \(artifact.sizeBytes), \(path.sha256),
                    \(path.type.contentType), \(reference), now() + \(lifetime.components.seconds) * interval '1 second')
            RETURNING created_at, expires_at
            """
    }

    static func find(_ id: UUID, on database: some Queryable) async throws(DatabaseError) -> Standing? {
        try await database.first(
            "SELECT id, client, state, expires_at <= now() FROM upload_capability WHERE id = \(id)" as SQL<Standing>)
    }

    /// A client's capabilities for exactly this artifact.
    static func all(
        for artifact: ExpectedArtifact, of client: String, on database: some Queryable
    ) async throws(DatabaseError) -> [Standing] {
        let path = artifact.path
        return try await database.query(
            """
            SELECT id, client, state, expires_at <= now() FROM upload_capability
            WHERE service = \(path.service.text) AND version = \(path.version.text) AND sha256 = \(path.sha256)
                AND client = \(client) AND size_bytes = \(artifact.sizeBytes) AND content_type = \(path.type.contentType)
            ORDER BY created_at, id
            """ as SQL<Standing>)
    }

    /// ISSUED → UPLOADED.
    /// - Returns: false where it was not ISSUED any more.
    static func markUploaded(_ id: UUID, in transaction: Transaction) async throws(DatabaseError) -> Bool {
        try await transaction.execute(
            "UPDATE upload_capability SET state = 'UPLOADED', uploaded_at = now() WHERE id = \(id) AND state = 'ISSUED'") == 1
    }

    /// ISSUED or UPLOADED → USED.
    /// - Returns: false where it is used already.
    static func markUsed(_ id: UUID, in transaction: Transaction) async throws(DatabaseError) -> Bool {
        try await transaction.execute(
            "UPDATE upload_capability SET state = 'USED', used_at = now() WHERE id = \(id) AND state <> 'USED'") == 1
    }

    /// Held while a capability for an artifact is issued, and while an artifact that nobody needs is removed.
    static func lock(of reference: String) -> AdvisoryLock { AdvisoryLock("artifact \(reference)") }

    /// Artifacts that no build has and of which every capability came to nothing and expired longer than `age` ago.
    ///
    /// - Parameter reference: only this one.
    static func abandoned(
        for age: Duration, reference: String? = nil, limit: Int = 100, on database: some Queryable
    ) async throws(DatabaseError) -> [String] {
        try await database.query(
            """
            SELECT DISTINCT c.artifact_ref FROM upload_capability AS c
            WHERE c.state <> 'USED' AND c.expires_at <= now() - \(age.components.seconds) * interval '1 second'
                AND (\(reference)::text IS NULL OR c.artifact_ref = \(reference))
                AND NOT EXISTS (
                    SELECT FROM upload_capability AS other WHERE other.artifact_ref = c.artifact_ref
                        AND (other.state = 'USED' OR other.expires_at > now() - \(age.components.seconds) * interval '1 second'))
                AND NOT EXISTS (
                    SELECT FROM build AS b
                    WHERE b.service = c.service AND b.version = c.version AND b.artifact_ref = c.artifact_ref)
            LIMIT \(limit)
            """ as SQL<String>)
    }

    /// Forgets capabilities that came to nothing and expired longer than `age` ago, a few at a time.
    ///
    /// - Parameter reference: those of this artifact; nil for those whose artifact is kept.
    static func purge(
        olderThan age: Duration, reference: String?, limit: Int = 1000, on database: some Queryable
    ) async throws(DatabaseError) -> Int {
        try await database.execute(
            """
            DELETE FROM upload_capability WHERE id IN (
                SELECT id FROM upload_capability AS c
                WHERE state <> 'USED' AND expires_at <= now() - \(age.components.seconds) * interval '1 second'
                    AND (artifact_ref = \(reference) OR \(reference)::text IS NULL AND EXISTS (
                        SELECT FROM upload_capability AS other WHERE other.artifact_ref = c.artifact_ref
                        AND (other.state = 'USED' OR other.expires_at > now() - \(age.components.seconds) * interval '1 second')))
                ORDER BY expires_at LIMIT \(limit) FOR UPDATE SKIP LOCKED)
            """)
    }
}
