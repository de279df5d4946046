import Encoding
import Postgres
import SiteControlDomain

extension NodeRow: JSONEncodable {
    /// As operators see it.
    func encode(to json: inout JSONWriter) {
        json.beginObject()
        json.member("id", id)
        json.member("name", name)
        json.member("hostname", hostname)
        json.member("public_ip", publicIP)
        json.member("ssh_port", sshPort)
        json.member("ssh_user", sshUser)
        json.member("status", status.rawValue)
        json.member("is_local", isLocal)
        json.member("last_seen_at", lastSeenAt)
        json.member("created_at", createdAt)
        json.member("updated_at", updatedAt)
        json.member("state_version", stateVersion)
        json.endObject()
    }

    static func named(_ name: String) -> SQL<NodeRow> { "SELECT \(raw: columns) FROM nodes WHERE name = \(name)" }
}
