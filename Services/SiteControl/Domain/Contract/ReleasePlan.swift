/// The release row that a job writes when it succeeds (reference 2.5).
public struct ReleasePlan: Hashable, Sendable {
    /// Where kind and reference of the source come from.
    public enum Source: Hashable, Sendable {
        /// `upload`, `builtin:wordpress`.
        case builtinWordPress
        /// `upload`, the archive's URL without credentials.
        case archive
        /// As the request named it.
        case request
        /// That of the environment's current release.
        case currentRelease
        /// That of the current release of the source environment.
        case sourceEnvironment
        /// `upload`, the storage path of the backup.
        case backup
    }

    public enum Notes: Hashable, Sendable {
        case none
        case wordPressVersion
        /// `import`
        case imported
        /// `clone of <environment id>`
        case cloneOf
        /// `updates: <scope>`
        case updates
        /// `restore of <backup id>`
        case restoreOf
        /// `promotion of <environment id>`
        case promotionOf
    }

    public static let builtinReference = "builtin:wordpress"

    public let source: Source
    public let notes: Notes
    /// `healthy` where the playbook itself has probed it.
    public let health: ReleaseHealth

    init(_ source: Source, _ notes: Notes, _ health: ReleaseHealth) {
        self.source = source
        self.notes = notes
        self.health = health
    }
}
