import Encoding
import ValidationDecisionDomain

/// A page of the audit log as the contract shows it: an array, newest first.
struct AuditListDocument {
    let records: [AuditRecord]

    var bytes: [UInt8] {
        var json = JSONWriter(capacity: 64 + records.count * 512)
        json.array(records) { json, record in
            json.object { json in
                json.member("request_id", record.requestID)
                json.memberIfPresent("scenario", record.scenario)
                json.member("decision", record.decision)
                json.member("reasons", record.reasons)
                json.member("timestamp", Timestamp(microseconds: record.timestamp))
                json.member("sequence", record.sequence)
                json.member("status", record.status)
                json.memberIfPresent("client", record.client)
                json.memberIfPresent("client_request_id", record.clientRequestID)
                json.member("endpoint", record.endpoint)
                json.member("policy_version", record.policyVersion)
                json.memberIfPresent("change_id", record.changeID)
                json.memberIfPresent("input_digest", record.inputDigest)
                json.member("content_digest", record.contentDigest)
                json.member("previous_hash", record.previousHash)
                json.member("record_hash", record.recordHash)
            }
        }
        return json.finish()
    }
}
