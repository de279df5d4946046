/// What an environment is for. A site has one production environment, made with it.
public enum EnvironmentType: String, CaseIterable, Sendable {
    case production
    case staging
    case clone
}

/// What a backup holds.
public enum BackupScope: String, CaseIterable, Sendable {
    case db
    case files
    case full
}

/// Where a release's code came from.
public enum SourceType: String, CaseIterable, Sendable {
    case git
    case upload
}

/// What an update job updates.
public enum UpdateScope: String, CaseIterable, Sendable {
    case core
    case plugins
    case themes
    case all
}
