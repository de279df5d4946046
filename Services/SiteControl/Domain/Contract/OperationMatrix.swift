/// Which operations there are, who owns each, and what carries it out. The contract, the routes and the traceability
/// page are compared with it.
public enum OperationMatrix {
    /// The 25 operations of the traceability matrix, in its order.
    public static let all: [Operation] = [
        Operation("POST", "/api/login", "login", .authSession, .sync, "auth session"),
        Operation("POST", "/api/logout", "logout", .authSession, .sync, "auth session"),
        Operation("GET", "/api/sites", "listSites", .siteCreate, .sync, "site read model"),
        Operation("POST", "/api/sites", "createSite", .siteCreate, .async(.siteCreate), "site/environment"),
        Operation("GET", "/api/sites/{id}", "getSite", .siteCreate, .sync, "site read model"),
        Operation(
            "GET", "/api/sites/{id}/environments", "listEnvironments", .environmentCreateClone, .sync,
            "environment read model"),
        Operation(
            "POST", "/api/sites/{id}/environments", "createEnvironment", .environmentCreateClone,
            .async(.environmentCreate), "site/environment"),
        Operation("POST", "/api/sites/{id}/import", "importSite", .siteImport, .async(.siteImport), "site/environment"),
        Operation(
            "GET", "/api/environments/{id}", "getEnvironment", .environmentCreateClone, .sync, "environment read model"),
        Operation(
            "POST", "/api/environments/{id}/drift-check", "checkDrift", .promotionDrift, .async(.driftCheck),
            "environment drift"),
        Operation(
            "POST", "/api/environments/{id}/deploy", "deployEnvironment", .environmentDeployUpdates,
            .async(.environmentDeploy), "site/environment"),
        Operation(
            "POST", "/api/environments/{id}/updates", "updateEnvironment", .environmentDeployUpdates,
            .async(.environmentUpdate), "site/environment"),
        Operation(
            "POST", "/api/environments/{id}/restore", "restoreEnvironment", .environmentRestore,
            .async(.environmentRestore), "site/environment"),
        Operation(
            "POST", "/api/environments/{id}/promote", "promoteEnvironment", .promotionDrift, .async(.environmentPromote),
            "environment drift/promotion"),
        Operation(
            "PATCH", "/api/environments/{id}/cache", "setCaches", .cacheControls, .async(.cacheToggle),
            "environment cache settings"),
        Operation(
            "POST", "/api/environments/{id}/cache/purge", "purgeCaches", .cacheControls, .async(.cachePurge),
            "environment cache runtime"),
        Operation(
            "POST", "/api/environments/{id}/magic-login", "createMagicLogin", .magicLogin, .nodeQuery,
            "environment access"),
        Operation("GET", "/api/environments/{id}/backups", "listBackups", .backups, .sync, "backup read model"),
        Operation(
            "POST", "/api/environments/{id}/backups", "createBackup", .backups, .async(.backupCreate), "backup lifecycle"),
        Operation("GET", "/api/environments/{id}/domains", "listDomains", .domainsAndTLS, .sync, "domain read model"),
        Operation(
            "POST", "/api/environments/{id}/domains", "addDomain", .domainsAndTLS, .async(.domainAdd), "domain/tls status"),
        Operation(
            "DELETE", "/api/domains/{id}", "removeDomain", .domainsAndTLS, .async(.domainRemove), "domain/tls status"),
        Operation("GET", "/api/jobs", "listJobs", .jobsAndMetrics, .sync, "job read model"),
        Operation("GET", "/api/jobs/{id}", "getJob", .jobsAndMetrics, .sync, "job read model"),
        Operation("GET", "/api/metrics", "getMetrics", .jobsAndMetrics, .sync, "metrics read model"),
    ]

    /// Operations beyond the matrix.
    public static let beyond: [Operation] = [
        Operation("POST", "/api/jobs/{id}/cancel", "cancelJob", .jobControl, .sync, "job lifecycle"),
        Operation("GET", "/api/jobs/{id}/events", "followJob", .jobControl, .sync, "job events"),
        Operation("POST", "/api/sites/{id}/reset", "resetSite", .jobControl, .sync, "site/environment"),
        Operation("POST", "/api/environments/{id}/reset", "resetEnvironment", .jobControl, .sync, "site/environment"),
        Operation("GET", "/_admin/settings", "getSettings", .settingsDomainConfig, .sync, "settings"),
        Operation("PATCH", "/_admin/settings", "changeSettings", .settingsDomainConfig, .sync, "settings"),
        Operation("GET", "/_admin/audit", "listAudit", .auditLogging, .sync, "audit log"),
        Operation("GET", "/_admin/nodes", "listNodes", .nodeProvision, .sync, "node read model"),
        Operation(
            "POST", "/_admin/nodes/{id}/provision", "provisionNode", .nodeProvision, .async(.nodeProvision), "node status"),
    ]

    /// All that is served, health aside.
    public static let served: [Operation] = all + beyond

    public static func operation(_ operationID: String) -> Operation? { served.first { $0.operationID == operationID } }
}
