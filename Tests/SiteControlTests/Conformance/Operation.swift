import Testing

/// The operations as the reference lists them (2.1 and 2.6), for tests that hold of each.
struct Operation: Sendable, CustomTestStringConvertible {
    enum Path: Sendable { case none, site, environment, domain, job }

    let method: String
    /// With `{id}` in place of the id.
    let template: String
    /// What the id is of.
    let path: Path
    /// A body that is accepted; nil for an operation that takes none.
    let body: String?
    /// The job type of an async operation.
    let job: String?
    let success: Int
    /// What the environment must be; nil for one that any state takes.
    var moves = false

    var testDescription: String { "\(method) \(template)" }
    var isRead: Bool { method == "GET" }

    func target(_ id: String) -> String { template.replacing("{id}", with: id) }

    static let seeds: [Operation] = [
        Operation(method: "POST", template: "/api/login", path: .none, body: #"{"email":"a@example.net","password":"x"}"#, job: nil, success: 200),
        Operation(method: "POST", template: "/api/logout", path: .none, body: nil, job: nil, success: 200),
        Operation(method: "GET", template: "/api/sites", path: .none, body: nil, job: nil, success: 200),
        Operation(method: "POST", template: "/api/sites", path: .none, body: #"{"name":"Blog","slug":"blog"}"#, job: "site_create", success: 202),
        Operation(method: "GET", template: "/api/sites/{id}", path: .site, body: nil, job: nil, success: 200),
        Operation(method: "GET", template: "/api/sites/{id}/environments", path: .site, body: nil, job: nil, success: 200),
        Operation(
            method: "POST", template: "/api/sites/{id}/environments", path: .site,
            body: #"{"name":"Stage","slug":"stage","type":"staging","promotion_preset":"content-protect"}"#, job: "env_create", success: 202, moves: true),
        Operation(method: "POST", template: "/api/sites/{id}/import", path: .site, body: #"{"archive_url":"https://files.example/site.tar.gz"}"#, job: "site_import", success: 202, moves: true),
        Operation(method: "GET", template: "/api/environments/{id}", path: .environment, body: nil, job: nil, success: 200),
        Operation(method: "POST", template: "/api/environments/{id}/drift-check", path: .environment, body: nil, job: "drift_check", success: 202),
        Operation(method: "POST", template: "/api/environments/{id}/deploy", path: .environment, body: #"{"source_type":"git","source_ref":"https://git.example/a.git#main"}"#, job: "env_deploy", success: 202, moves: true),
        Operation(method: "POST", template: "/api/environments/{id}/updates", path: .environment, body: #"{"scope":"plugins"}"#, job: "env_update", success: 202, moves: true),
        Operation(method: "POST", template: "/api/environments/{id}/restore", path: .environment, body: #"{"backup_id":"BACKUP"}"#, job: "env_restore", success: 202, moves: true),
        Operation(method: "POST", template: "/api/environments/{id}/promote", path: .environment, body: #"{"target_environment_id":"TARGET"}"#, job: "env_promote", success: 202, moves: true),
        Operation(method: "PATCH", template: "/api/environments/{id}/cache", path: .environment, body: #"{"redis_cache_enabled":false}"#, job: "env_cache_toggle", success: 202),
        Operation(method: "POST", template: "/api/environments/{id}/cache/purge", path: .environment, body: nil, job: "cache_purge", success: 202),
        Operation(method: "POST", template: "/api/environments/{id}/magic-login", path: .environment, body: nil, job: nil, success: 200),
        Operation(method: "GET", template: "/api/environments/{id}/backups", path: .environment, body: nil, job: nil, success: 200),
        Operation(method: "POST", template: "/api/environments/{id}/backups", path: .environment, body: #"{"backup_scope":"db"}"#, job: "backup_create", success: 202),
        Operation(method: "GET", template: "/api/environments/{id}/domains", path: .environment, body: nil, job: nil, success: 200),
        Operation(method: "POST", template: "/api/environments/{id}/domains", path: .environment, body: #"{"hostname":"HOSTNAME"}"#, job: "domain_add", success: 202),
        Operation(method: "DELETE", template: "/api/domains/{id}", path: .domain, body: nil, job: "domain_remove", success: 202),
        Operation(method: "GET", template: "/api/jobs", path: .none, body: nil, job: nil, success: 200),
        Operation(method: "GET", template: "/api/jobs/{id}", path: .job, body: nil, job: nil, success: 200),
        Operation(method: "GET", template: "/api/metrics", path: .none, body: nil, job: nil, success: 200),
    ]

    /// Under /api, beyond the matrix.
    static let control: [Operation] = [
        Operation(method: "POST", template: "/api/jobs/{id}/cancel", path: .job, body: nil, job: nil, success: 200),
        Operation(method: "GET", template: "/api/jobs/{id}/events", path: .job, body: nil, job: nil, success: 200),
        Operation(method: "POST", template: "/api/sites/{id}/reset", path: .site, body: nil, job: nil, success: 200),
        Operation(method: "POST", template: "/api/environments/{id}/reset", path: .environment, body: nil, job: nil, success: 200),
    ]

    static let administration: [Operation] = [
        Operation(method: "GET", template: "/_admin/settings", path: .none, body: nil, job: nil, success: 200),
        Operation(method: "PATCH", template: "/_admin/settings", path: .none, body: "{}", job: nil, success: 200),
        Operation(method: "GET", template: "/_admin/audit", path: .none, body: nil, job: nil, success: 200),
    ]

    static let all = seeds + control + administration
    /// What needs a caller: everything but login.
    static let guarded = all.filter { $0.template != "/api/login" }
    static let withID = (seeds + control).filter { $0.path != .none }
    static let async = seeds.filter { $0.job != nil }
    static let withBody = seeds.filter { $0.body != nil }
}
