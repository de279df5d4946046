import Encoding
import HTTP
import Postgres
import ServiceKit

/// GET /api/metrics: how much there is, counted at that moment in one statement, so that the numbers agree.
struct MetricsAPI: Sendable {
    let database: Database

    var routes: [SiteRoute] {
        [Route(.get, "/api/metrics", "getMetrics", needs: .read, statuses: Statuses.read, get)]
    }

    private func get(_ request: Request, _ context: RequestContext) async throws -> Response {
        JSONAnswer.response(.ok, encoding: try await database.one(Counts.read))
    }

    private struct Counts: PostgresRow, JSONEncodable {
        let jobsRunning: Int64
        let jobsQueued: Int64
        let nodesActive: Int64
        let sitesTotal: Int64

        static let read: SQL<Counts> = """
            SELECT (SELECT count(*) FROM jobs WHERE status = 'running'), (SELECT count(*) FROM jobs WHERE status = 'queued'),
                (SELECT count(*) FROM nodes WHERE status = 'active'), (SELECT count(*) FROM sites)
            """

        init(_ row: inout RowReader) throws(RowError) {
            jobsRunning = try row.next()
            jobsQueued = try row.next()
            nodesActive = try row.next()
            sitesTotal = try row.next()
        }

        func encode(to json: inout JSONWriter) {
            json.beginObject()
            json.member("jobs_running", jobsRunning)
            json.member("jobs_queued", jobsQueued)
            json.member("nodes_active", nodesActive)
            json.member("sites_total", sitesTotal)
            json.endObject()
        }
    }
}
