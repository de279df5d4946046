import Encoding
import HTTP
import Postgres
import ServiceKit
import SiteControlDomain

/// What operators do beside the API: settings, the audit log, nodes. Internal, and not below `/api`.
struct AdminAPI: Sendable {
    let database: Database
    let changeSettings: ChangeSettings
    let provisionNode: ProvisionNode

    /// Every word that the audit log has for an action.
    static let actions = Set(
        JobType.allCases.map(\.rawValue)
            + ["login", "logout", "magic_login", "job_cancel", "site_reset", "environment_reset", "settings_update"])

    var routes: [SiteRoute] {
        [
            Route(.get, "/_admin/settings", "getSettings", needs: .administer, statuses: Statuses.read, getSettings),
            Route(.patch, "/_admin/settings", "changeSettings", needs: .administer, statuses: Statuses.read + [400], patchSettings),
            Route(.get, "/_admin/audit", "listAudit", needs: .administer, statuses: Statuses.read + [400], listAudit),
            Route(.get, "/_admin/nodes", "listNodes", needs: .operate, statuses: Statuses.read, listNodes),
            Route(.post, "/_admin/nodes/{id}/provision", "provisionNode", needs: .operate,
                statuses: Statuses.mutation, provision),
        ]
    }

    private func getSettings(_ request: Request, _ context: RequestContext) async throws -> Response {
        JSONAnswer.response(.ok, encoding: try await Settings.read(from: database))
    }

    private func patchSettings(_ request: Request, _ context: RequestContext) async throws -> Response {
        let change = try SettingsChange.read(try await JSONBody.read(request))
        return JSONAnswer.response(.ok, encoding: try await changeSettings(change, by: try Actor(context)))
    }

    private func listAudit(_ request: Request, _ context: RequestContext) async throws -> Response {
        let filter = try ListQuery.read(request) { query in
            func word(_ name: String, _ words: Set<String>) -> String? {
                query.value(name, "one of \(words.sorted().joined(separator: ", "))") { words.contains($0) ? $0 : nil }
            }
            return AuditFilter(
                actor: query.text("actor"), action: word("action", Self.actions),
                resourceType: word(
                    "resource_type", ["session", "site", "environment", "backup", "domain", "job", "setting", "node"]),
                resourceID: query.text("resource_id"), result: word("result", ["accepted", "succeeded", "failed", "cancelled"]),
                limit: query.limit(), cursor: query.cursor())
        }
        let rows = try await database.query(filter.query)
        return Page.response(rows, limit: filter.limit, request) { PageCursor(at: $0.createdAt, id: $0.id) }
    }

    private func listNodes(_ request: Request, _ context: RequestContext) async throws -> Response {
        JSONAnswer.response(.ok, encoding: try await database.query(NodeRow.all))
    }

    private func provision(_ request: Request, _ context: RequestContext) async throws -> Response {
        let job = try await provisionNode(try request.id(of: "node"), by: try Actor(context))
        return JSONAnswer.response(.accepted, encoding: AcceptedJob(id: job))
    }
}
