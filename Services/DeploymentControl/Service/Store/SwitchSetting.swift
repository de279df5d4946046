import Encoding
import Postgres
import ServiceKit

/// The row of the kill switch.
struct SwitchSetting: PostgresRow {
    let isOn: Bool
    let reason: String
    let updatedBy: String
    let updatedAt: Timestamp?

    init(_ row: inout RowReader) throws(RowError) {
        isOn = try row.next()
        reason = try row.next()
        updatedBy = try row.next()
        updatedAt = try row.next()
    }

    private init() {
        isOn = false
        reason = ""
        updatedBy = ""
        updatedAt = nil
    }

    /// Off where it was never set.
    static func read(on database: some Queryable) async throws(DatabaseError) -> SwitchSetting {
        try await database.first(
            """
            SELECT value = 'on', reason, updated_by, updated_at FROM setting WHERE name = 'mutations_disabled'
            """ as SQL<SwitchSetting>) ?? SwitchSetting()
    }

    /// Sets it, with its audit event in the same transaction.
    static func set(
        _ isOn: Bool, reason: String, by actor: String, role: String, requestID: String, on database: Database
    ) async throws {
        try await database.transaction { transaction in
            try await transaction.execute("SELECT pg_advisory_xact_lock(7202612402)")
            let before = try await read(on: transaction)
            try await transaction.execute(
                """
                INSERT INTO setting (name, value, reason, updated_by, updated_at)
                VALUES ('mutations_disabled', \(isOn ? "on" : "off"), \(reason), \(actor), now())
                ON CONFLICT (name) DO UPDATE SET value = excluded.value, reason = excluded.reason,
                    updated_by = excluded.updated_by, updated_at = excluded.updated_at
                """)
            var detail = JSONWriter()
            detail.beginObject()
            detail.member("old", before.isOn)
            detail.member("new", isOn)
            detail.member("reason", reason)
            detail.endObject()
            try await AuditTrail.append(
                AuditEvent(
                    requestID: requestID, actor: actor, role: role, action: "ADMIN_CONFIG_CHANGE", targetType: "setting",
                    targetID: "mutations_disabled", outcome: .success,
                    summary: "mutations_disabled \(before.isOn ? "on" : "off") to \(isOn ? "on" : "off")"
                        + (reason.isEmpty ? "" : ": \(reason)"),
                    detail: JSONText(utf8: detail.finish())), in: transaction)
        }
    }
}
