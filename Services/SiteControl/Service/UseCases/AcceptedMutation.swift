import Crypto
import Encoding
import Postgres
import SiteControlDomain

/// A mutation that has passed its checks: what the one statement writes that accepts it. Its job, the job's first event, the
/// audit row and the rows that come with them are written together or not at all.
struct AcceptedMutation: Sendable {
    let job: UUID
    let type: JobType
    let site: UUID?
    let environment: UUID?
    let node: UUID
    let payload: JSONValue
    let maxAttempts: Int
    let actor: Actor
    let resource: AuditLog.Resource
    let resourceID: UUID
    /// `FROM … WHERE …` of the job's insertion: gives one row as long as what was checked still holds, and none afterwards.
    let guardedBy: SQLFragment
    /// More that has to hold still.
    var conditions: [SQLFragment] = []
    /// Further parts of the statement that write rows `FROM job`, so that they are written with it alone.
    var rows: [SQLFragment] = []

    /// Tells what came of it. A job of the site that is open as the statement sees it may end while it runs, and change what
    /// was checked: then nothing is written either.
    var statement: SQL<Outcome> {
        let guarded = SQLFragment.joined([guardedBy] + conditions, separator: " AND ")
        let extra = SQLFragment.joined(rows.map { ", \($0)" }, separator: "")
        return """
            WITH busy AS (
                SELECT EXISTS (SELECT FROM jobs WHERE site_id = \(site) AND status IN ('queued', 'running')) AS is_busy),
            job AS (
                INSERT INTO jobs (id, job_type, site_id, environment_id, node_id, payload_json, max_attempts, event_seq)
                SELECT \(job), \(type), \(site), \(environment), \(node), \(JSONText(utf8: payload.bytes)),
                    \(Int32(clamping: maxAttempts)), 1
                FROM \(guarded) AND NOT (SELECT is_busy FROM busy)
                RETURNING id),
            noted AS (
                INSERT INTO job_events (job_id, seq, kind, data) SELECT id, 1, 'state', \(JobEventSQL.queued) FROM job),
            audited AS (
                INSERT INTO audit_logs (id, user_id, token_id, actor, action, resource_type, resource_id, result, job_id)
                SELECT \(UUID.random()), \(actor.userID), \(actor.tokenID), \(actor.name), \(type.rawValue), \(resource),
                    \(resourceID.description), 'accepted', id FROM job)
            \(extra)
            SELECT is_busy, EXISTS (SELECT FROM job) FROM busy
            """
    }

    struct Outcome: PostgresRow {
        let isBusy: Bool
        let isAccepted: Bool

        init(_ row: inout RowReader) throws(RowError) {
            isBusy = try row.next()
            isAccepted = try row.next()
        }
    }

    /// - Returns: whether it was accepted. False where the state has changed since it was looked at: look again.
    func isAccepted(on database: Database) async throws(Refusal) -> Bool {
        let outcome: Outcome
        do throws(DatabaseError) {
            outcome = try await database.one(statement)
        } catch {
            guard let constraint = error.uniqueViolation else { throw .database(error) }
            switch constraint {
            case "jobs_one_open_per_site": throw .conflict(.siteBusy)
            case "jobs_one_open_provision": throw .conflict(.nodeBusy)
            case "sites_slug_taken", "environments_slug_taken": throw .conflict(.slugTaken)
            case "domains_hostname_taken": throw .conflict(.hostnameTaken)
            // Eight digits are not many: a new id has others.
            case "environments_preview_url_taken": return false
            default: throw .database(error)
            }
        }
        if outcome.isBusy { throw .conflict(.siteBusy) }
        // Behind the commit, which must not wait for those of others.
        if outcome.isAccepted { JobSignals(database).send([.queued]) }
        return outcome.isAccepted
    }

    /// Looks, decides and writes; looks again where something came between.
    ///
    /// - Parameter decide: reads the state and refuses, or says what to write.
    /// - Returns: the job's id.
    static func accept(
        on database: Database, _ decide: () async throws -> AcceptedMutation
    ) async throws -> UUID {
        for _ in 0..<attemptsMax {
            let mutation = try await decide()
            if try await mutation.isAccepted(on: database) { return mutation.job }
        }
        // What changes so often is being changed.
        throw Refusal.conflict(.siteBusy)
    }

    private static let attemptsMax = 5
}

extension UUID {
    /// Version 4.
    static func random() -> UUID {
        var random = SecureRandom()
        return .v4(using: &random)
    }
}
