import Encoding
import Postgres
import SiteControlDomain

/// What is set.
struct Settings: Sendable, Equatable, JSONEncodable {
    var values: [SettingKey: String] = [:]

    subscript(key: SettingKey) -> String? { values[key] }

    /// What stands in the row in place of the credentials.
    static let credentialsReference = "secret:setting/dns01_credentials_json"

    func applying(_ change: SettingsChange) -> Settings {
        var next = self
        for key in change.keys {
            let value = change[key].applied(to: values[key])
            next.values[key] = key == .dns01Credentials && value != nil ? Self.credentialsReference : value
        }
        return next
    }

    /// Settings that do not go together: a preview domain has a wildcard certificate, which only DNS can prove.
    var problems: [FieldProblem] {
        guard values[.previewDomain] != nil else { return [] }
        return [SettingKey.dns01Provider, .dns01Credentials].filter { values[$0] == nil }.map {
            FieldProblem(pointer: "/\($0.rawValue)", kind: .missing, message: "is required with preview_domain")
        }
    }

    func encode(to json: inout JSONWriter) {
        json.beginObject()
        for key in SettingKey.allCases {
            json.key(dynamic: key.rawValue)
            if key == .dns01Credentials {
                json.object { $0.member("configured", values[key] != nil) }
            } else {
                json.value(values[key])
            }
        }
        json.endObject()
    }

    static func read(from database: some Queryable) async throws(DatabaseError) -> Settings {
        let rows = try await database.query("SELECT key, value FROM settings" as SQL<Columns<String, String>>)
        var settings = Settings()
        for row in rows {
            if let key = SettingKey(rawValue: row.values.0) { settings.values[key] = row.values.1 }
        }
        return settings
    }

    /// One change after the other, so that what results was looked at as a whole.
    static let lock: Command = "SELECT pg_advisory_xact_lock(7202612404)"

    static func write(_ key: SettingKey, _ value: String?) -> Command {
        guard let value else { return "DELETE FROM settings WHERE key = \(key.rawValue)" }
        return """
            INSERT INTO settings (key, value) VALUES (\(key.rawValue), \(value))
            ON CONFLICT (key) DO UPDATE SET value = excluded.value, updated_at = now()
            """
    }
}
