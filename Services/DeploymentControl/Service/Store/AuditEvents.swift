import Encoding
import Postgres

/// Reads the audit trail, newest first.
enum AuditEvents {
    struct Filter: Sendable, Hashable {
        var action: String?
        var actor: String?
        var outcome: String?
        var targetID: String?
        /// At or after.
        var since: Timestamp?
        /// Before.
        var until: Timestamp?
        /// Events with a lower number.
        var before: Int64?
    }

    struct Row: PostgresRow, JSONEncodable {
        let id: Int64
        let at: Timestamp
        let requestID: String
        let actor: String
        let role: String
        let action: String
        let targetType: String
        let targetID: String
        let outcome: String
        let summary: String

        init(_ row: inout RowReader) throws(RowError) {
            id = try row.next()
            at = try row.next()
            requestID = try row.next()
            actor = try row.next()
            role = try row.next()
            action = try row.next()
            targetType = try row.next()
            targetID = try row.next()
            outcome = try row.next()
            summary = try row.next()
        }

        func encode(to json: inout JSONWriter) {
            json.beginObject()
            json.member("id", String(id))
            json.member("at", at)
            json.member("actor", actor)
            json.member("role", role)
            json.member("action", action)
            json.member("targetType", targetType)
            json.member("targetId", targetID)
            json.member("outcome", outcome)
            json.member("summary", summary)
            json.member("requestId", requestID)
            json.endObject()
        }
    }

    static func list(_ filter: Filter, limit: Int, on database: some Queryable) async throws(DatabaseError) -> [Row] {
        var conditions: [SQLFragment] = ["true"]
        if let action = filter.action { conditions.append("action = \(action)") }
        if let actor = filter.actor { conditions.append("actor = \(actor)") }
        if let outcome = filter.outcome { conditions.append("outcome = \(outcome)") }
        if let target = filter.targetID { conditions.append("target_id = \(target)") }
        if let since = filter.since { conditions.append("at >= \(since)") }
        if let until = filter.until { conditions.append("at < \(until)") }
        if let before = filter.before { conditions.append("id < \(before)") }
        return try await database.query(
            """
            SELECT id, at, request_id, actor, role, action, target_type, target_id, outcome, summary FROM audit_event
            WHERE \(SQLFragment.joined(conditions, separator: " AND ")) ORDER BY id DESC LIMIT \(limit)
            """ as SQL<Row>)
    }
}
