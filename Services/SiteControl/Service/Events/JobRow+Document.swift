import Encoding
import SiteControlDomain

extension JobRow: JSONEncodable {
    /// As clients see it (reference 2.3).
    func encode(to json: inout JSONWriter) {
        json.beginObject()
        json.member("id", id)
        json.member("job_type", type.rawValue)
        json.member("status", status.rawValue)
        // Global jobs have none, and the member is not nullable (reference C5).
        json.memberIfPresent("site_id", siteID)
        json.member("environment_id", environmentID)
        json.member("node_id", nodeID)
        json.member("attempt_count", attemptCount)
        json.member("max_attempts", maxAttempts)
        json.member("run_after", runAfter)
        json.member("locked_at", lockedAt)
        json.member("locked_by", lockedBy)
        json.member("started_at", startedAt)
        json.member("finished_at", finishedAt)
        json.member("error_code", errorCode)
        json.member("error_message", errorMessage)
        json.member("created_at", createdAt)
        json.member("updated_at", updatedAt)
        json.endObject()
    }
}
