import Encoding
import Postgres
import SiteControlDomain

/// The release that a successful job leaves (reference 2.5, second table), and the pointer to it.
struct ReleaseEffects {
    let job: JobTicket
    let plan: ReleasePlan
    let environmentID: UUID
    let releaseID: UUID
    let path: String
    let wordPressVersion: String?

    var commands: [Command] {
        [insert, "UPDATE environments SET current_release_id = \(releaseID) WHERE id = \(environmentID)"]
    }

    private var insert: Command {
        switch plan.source {
        case .builtinWordPress: literal(.upload, ReleasePlan.builtinReference)
        case .archive: literal(.upload, Self.withoutCredentials(job.text("archive_url") ?? ""))
        case .request:
            literal(job.text("source_type").flatMap(SourceType.init) ?? .upload, job.text("source_ref") ?? "")
        case .currentRelease: copy(ofCurrentOf: environmentID)
        case .sourceEnvironment: copy(ofCurrentOf: job.id("source_environment_id"))
        case .backup:
            """
            INSERT INTO releases (id, environment_id, source_type, source_ref, path, health_status, notes)
            SELECT \(releaseID), \(environmentID), 'upload', b.storage_path, \(path), \(plan.health.rawValue), \(notes)
            FROM backups b WHERE b.id = \(job.id("backup_id"))
            """
        }
    }

    private func literal(_ type: SourceType, _ reference: String) -> Command {
        """
        INSERT INTO releases (id, environment_id, source_type, source_ref, path, health_status, notes)
        VALUES (\(releaseID), \(environmentID), \(type.rawValue), \(reference), \(path), \(plan.health.rawValue), \(notes))
        """
    }

    /// Inserts nothing where there is no such release: the pointer's key then fails the transaction.
    private func copy(ofCurrentOf environment: UUID?) -> Command {
        """
        INSERT INTO releases (id, environment_id, source_type, source_ref, path, health_status, notes)
        SELECT \(releaseID), \(environmentID), r.source_type, r.source_ref, \(path), \(plan.health.rawValue), \(notes)
        FROM environments e JOIN releases r ON r.id = e.current_release_id WHERE e.id = \(environment)
        """
    }

    private var notes: String? {
        switch plan.notes {
        case .none: nil
        case .wordPressVersion: wordPressVersion
        case .imported: "import"
        case .cloneOf: job.id("source_environment_id").map { "clone of \($0)" }
        case .updates: job.text("scope").map { "updates: \($0)" }
        case .restoreOf: job.id("backup_id").map { "restore of \($0)" }
        case .promotionOf: job.id("source_environment_id").map { "promotion of \($0)" }
        }
    }

    private static func withoutCredentials(_ url: String) -> String {
        ArchiveURL(url, schemes: ArchiveURL.schemes)?.publicText ?? "archive"
    }
}
