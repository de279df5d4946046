import Crypto
import Encoding
import Postgres
import ValidationDecisionDomain

/// The audit log in PostgreSQL.
struct AuditStore: Sendable {
    let database: Database

    /// Appends entries in one statement, which is one commit; they are chained in the order given.
    func append(_ entries: [AuditEntry]) async throws(DatabaseError) {
        try await database.execute(AuditStore.insertion(entries), lane: .write)
    }

    /// A text of its own for any number of entries, so that one prepared statement serves all.
    private static func insertion(_ entries: [AuditEntry]) -> Command {
        """
        INSERT INTO validation_audit (request_id, client_request_id, scenario, decision, reasons, recorded_at, client,
            endpoint, status, policy_version, change_id, input_digest, content_digest)
        SELECT request_id, client_request_id, scenario, decision, string_to_array(reasons, ','), recorded_at, client,
            endpoint, status, policy_version, change_id, input_digest, content_digest
        FROM unnest(\(entries.map { UUID($0.requestID) }), \(entries.map(\.clientRequestID)),
            \(entries.map { $0.scenario?.rawValue }), \(entries.map { $0.verdict.decision.rawValue }),
            \(entries.map { $0.verdict.codes.map(\.rawValue).joined(separator: ",") }),
            \(entries.map { Timestamp(microseconds: $0.timestamp) }), \(entries.map(\.client)),
            \(entries.map(\.endpoint)), \(entries.map { Int32(truncatingIfNeeded: $0.status) }),
            \(entries.map(\.policyVersion.rawValue)), \(entries.map(\.changeID)),
            \(entries.map { $0.inputDigest.flatMap { Hex.decode($0.hex) } }),
            \(entries.map { SHA256.hash($0.canonicalBytes).bytes }))
            WITH ORDINALITY AS entry (request_id, client_request_id, scenario, decision, reasons, recorded_at, client,
                endpoint, status, policy_version, change_id, input_digest, content_digest, place)
        ORDER BY place
        """
    }

    /// Records that fit, newest first. A long read: on a session of its own, cancelled when the client leaves.
    func list(_ filter: AuditFilter, limit: Int) async throws -> [AuditRecord] {
        let rows = try await database.withSession { session in
            try await session.query(AuditStore.selection(filter, limit: limit))
        }
        return rows.map(\.record)
    }

    /// Only the conditions that are asked for, so that each combination gets the plan that fits it.
    private static func selection(_ filter: AuditFilter, limit: Int) -> SQL<StoredRecord> {
        var conditions: [SQLFragment] = []
        if let before = filter.before { conditions.append("sequence < \(before)") }
        if let decision = filter.decision { conditions.append("decision = \(decision.rawValue)") }
        if let scenario = filter.scenario { conditions.append("scenario = \(scenario.rawValue)") }
        if let since = filter.since { conditions.append("recorded_at >= \(since)") }
        if let until = filter.until { conditions.append("recorded_at < \(until)") }
        if let reason = filter.reason { conditions.append("\(reason.rawValue) = ANY (reasons)") }
        if let requestID = filter.requestID { conditions.append("request_id = \(requestID)") }
        if let client = filter.client { conditions.append("client = \(client)") }
        if conditions.isEmpty { conditions.append("true") }
        return """
            SELECT \(raw: StoredRecord.columns) FROM validation_audit
            WHERE \(SQLFragment.joined(conditions, separator: " AND ")) ORDER BY sequence DESC LIMIT \(limit)
            """
    }

    /// Records from `first` on, oldest first.
    func chain(from first: Int64, limit: Int, in session: Session) async throws(DatabaseError) -> [AuditRecord] {
        let sql: SQL<StoredRecord> = """
            SELECT \(raw: StoredRecord.columns) FROM validation_audit
            WHERE sequence >= \(first) ORDER BY sequence LIMIT \(limit)
            """
        return try await session.query(sql).map(\.record)
    }
}

/// Which records are wanted. What is nil does not matter.
struct AuditFilter: Sendable, Hashable {
    /// Records with a lower number.
    var before: Int64?
    var decision: Decision?
    var scenario: Scenario?
    /// At or after.
    var since: Timestamp?
    /// Before.
    var until: Timestamp?
    var reason: ReasonCode?
    var requestID: UUID?
    var client: String?
}

/// A row of the table as the domain knows it.
private struct StoredRecord: PostgresRow {
    static let columns: StaticString = """
        sequence, request_id, client_request_id, scenario, decision, reasons, recorded_at, client, endpoint, status, \
        policy_version, change_id, input_digest, content_digest, previous_hash, record_hash
        """

    let record: AuditRecord

    init(_ row: inout RowReader) throws(RowError) {
        let sequence: Int64 = try row.next()
        let requestID: UUID = try row.next()
        let clientRequestID: String? = try row.next()
        let scenario: String? = try row.next()
        let decision: String = try row.next()
        let reasons: [String] = try row.next()
        let recordedAt: Timestamp = try row.next()
        let client: String? = try row.next()
        let endpoint: String = try row.next()
        let status: Int32 = try row.next()
        let policyVersion: String = try row.next()
        let changeID: String? = try row.next()
        let inputDigest: [UInt8]? = try row.next()
        let contentDigest: [UInt8] = try row.next()
        let previousHash: [UInt8] = try row.next()
        let recordHash: [UInt8] = try row.next()
        record = AuditRecord(
            sequence: sequence, requestID: requestID.description, clientRequestID: clientRequestID, scenario: scenario,
            decision: decision, reasons: reasons, timestamp: recordedAt.microseconds, client: client,
            endpoint: endpoint, status: Int(status), policyVersion: policyVersion, changeID: changeID,
            inputDigest: inputDigest.map(Hex.encode), contentDigest: Hex.encode(contentDigest),
            previousHash: Hex.encode(previousHash), recordHash: Hex.encode(recordHash))
    }
}
