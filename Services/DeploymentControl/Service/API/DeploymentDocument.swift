import DeploymentControlDomain
import Encoding
import HTTP
import ServiceKit

/// `DeploymentRecord` as JSON.
struct DeploymentDocument: JSONEncodable {
    let record: DeploymentRecord

    func encode(to json: inout JSONWriter) {
        json.beginObject()
        json.member("id", record.id)
        json.member("service", record.service)
        json.member("environment", record.environment)
        json.member("version", record.version)
        json.member("state", record.state.rawValue)
        json.member("createdAt", Timestamp(microseconds: record.createdAt))
        json.member("updatedAt", Timestamp(microseconds: record.updatedAt))
        json.member("spinnakerExecutionId", record.executionID)
        json.member("spinnakerExecutionUrl", record.executionURL)
        json.member("failures", record.failures.map(FailureDocument.init))
        json.member("changeSummary", record.changeSummary)
        json.member("deploymentKind", record.kind.rawValue)
        json.memberIfPresent("rollbackOf", record.rollbackOf)
        json.endObject()
    }

    /// The answer to the call that made the record, as it is kept for replays.
    var created: StoredResponse {
        var json = JSONWriter()
        encode(to: &json)
        return StoredResponse(
            status: 201,
            fields: ["Content-Type": JSONAnswer.contentType, "Location": "/v1/deployments/\(record.id)"],
            body: json.finish())
    }
}

/// `NormalizedFailure` as JSON.
struct FailureDocument: JSONEncodable {
    let failure: NormalizedFailure

    func encode(to json: inout JSONWriter) {
        json.beginObject()
        json.member("category", failure.category.rawValue)
        json.member("summary", failure.summary)
        json.member("detail", failure.detail)
        json.member("actionHint", failure.actionHint)
        json.member("observedAt", Timestamp(microseconds: failure.observedAt))
        json.endObject()
    }
}
