/// The parts of the product that own operations and job types; one page each under `contracts/features/`.
public enum Feature: String, CaseIterable, Sendable {
    case authSession = "auth-session"
    case siteCreate = "site-create"
    case environmentCreateClone = "environment-create-clone"
    case siteImport = "site-import"
    case promotionDrift = "promotion-drift"
    case environmentDeployUpdates = "environment-deploy-updates"
    case environmentRestore = "environment-restore"
    case cacheControls = "cache-controls"
    case magicLogin = "magic-login"
    case backups
    case domainsAndTLS = "domains-and-tls"
    case jobsAndMetrics = "jobs-and-metrics"
    case nodeProvision = "node-provision"
    case healthChecksAndRollback = "health-checks-and-rollback"
    case backupRetentionCleanup = "backup-retention-cleanup"
    case auditLogging = "audit-logging"
    case jobControl = "job-control"
    case settingsDomainConfig = "settings-domain-config"
    case installBootstrap = "install-bootstrap"
}
