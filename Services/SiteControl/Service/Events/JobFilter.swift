import Encoding
import Postgres
import SiteControlDomain

/// Which jobs a list asks for.
struct JobFilter: Sendable {
    var site: UUID?
    var environment: UUID?
    var status: JobStatus?
    var type: JobType?
    var limit: Int
    var cursor: PageCursor?

    /// One row more than asked for tells whether there is another page.
    var query: SQL<JobRow> {
        var conditions: [SQLFragment] = ["true"]
        if let site { conditions.append("site_id = \(site)") }
        if let environment { conditions.append("environment_id = \(environment)") }
        if let status { conditions.append("status = \(status)") }
        if let type { conditions.append("job_type = \(type)") }
        if let cursor { conditions.append("(created_at, id) < (\(cursor.at), \(cursor.id))") }
        return """
            SELECT \(raw: JobRow.columns) FROM jobs WHERE \(SQLFragment.joined(conditions, separator: " AND "))
            ORDER BY created_at DESC, id DESC LIMIT \(limit + 1)
            """
    }
}
