import Crypto
import Encoding
import ValidationDecisionDomain

/// The ValidationResult of the contract (section 8.4): all fields always, but for `scenario` where there is none.
struct ResultDocument {
    let requestID: UUID
    let timestamp: Timestamp
    let conclusion: Conclusion

    var bytes: [UInt8] {
        var json = JSONWriter()
        json.object { json in
            json.member("request_id", requestID)
            json.member("decision", conclusion.evaluation.decision.rawValue)
            json.memberIfPresent("scenario", conclusion.scenario?.rawValue)
            json.key("reasons")
            json.array(conclusion.evaluation.verdict.reasons) { json, reason in
                json.object { json in
                    json.member("code", reason.code.rawValue)
                    json.member("message", reason.message)
                }
            }
            json.key("artifacts")
            json.object { json in
                json.key("computed_hashes")
                json.object { json in ResultDocument.write(conclusion.hashes, to: &json) }
            }
            json.member("timestamp", timestamp)
        }
        return json.finish()
    }

    private static func write(_ hashes: ArtifactHashes, to json: inout JSONWriter) {
        json.memberIfPresent("config", hashes.config?.hex)
        json.memberIfPresent("snapshot", hashes.snapshot?.hex)
        json.memberIfPresent("wal", hashes.wal?.hex)
        guard !hashes.walFiles.isEmpty else { return }
        json.key("wal_files")
        json.object { json in
            for file in hashes.walFiles {
                json.key(dynamic: file.name)
                json.value(file.hash.hex)
            }
        }
    }
}
