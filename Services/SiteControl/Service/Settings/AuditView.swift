import Encoding
import Postgres

/// One entry of the audit log as operators see it.
struct AuditView: PostgresRow, JSONEncodable {
    let id: UUID
    let userID: UUID?
    let actor: String
    let action: String
    let resourceType: String
    let resourceID: String
    let result: String
    let jobID: UUID?
    let createdAt: Timestamp

    init(_ row: inout RowReader) throws(RowError) {
        id = try row.next()
        userID = try row.next()
        actor = try row.next()
        action = try row.next()
        resourceType = try row.next()
        resourceID = try row.next()
        result = try row.next()
        jobID = try row.next()
        createdAt = try row.next()
    }

    func encode(to json: inout JSONWriter) {
        json.beginObject()
        json.member("id", id)
        json.member("actor", actor)
        json.member("user_id", userID)
        json.member("action", action)
        json.member("resource_type", resourceType)
        json.member("resource_id", resourceID)
        json.member("result", result)
        json.member("job_id", jobID)
        json.member("created_at", createdAt)
        json.endObject()
    }
}

/// Which entries a list asks for.
struct AuditFilter: Sendable {
    var actor: String?
    var action: String?
    var resourceType: String?
    var resourceID: String?
    var result: String?
    var limit: Int
    var cursor: PageCursor?

    /// Newest first; one row more than asked for tells whether there is another page.
    var query: SQL<AuditView> {
        var conditions: [SQLFragment] = ["true"]
        if let actor { conditions.append("actor = \(actor)") }
        if let action { conditions.append("action = \(action)") }
        if let resourceType { conditions.append("resource_type = \(resourceType)") }
        if let resourceID { conditions.append("resource_id = \(resourceID)") }
        if let result { conditions.append("result = \(result)") }
        if let cursor { conditions.append("(created_at, id) < (\(cursor.at), \(cursor.id))") }
        return """
            SELECT id, user_id, actor, action, resource_type, resource_id, result, job_id, created_at
            FROM audit_logs WHERE \(SQLFragment.joined(conditions, separator: " AND "))
            ORDER BY created_at DESC, id DESC LIMIT \(limit + 1)
            """
    }
}
