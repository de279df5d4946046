import Encoding
import Foundation
import Postgres
import TestSupport
import Testing

/// Reference 7.7: each way in which the engine can misbehave, and what it does to the lock, the quota and the key.
@Suite struct OutcomeTests {
    private static let settings = ControlService.wideLimits.merging(ControlService.fastPolling) { $1 }

    private func used(_ service: ControlService) async throws -> Int {
        try await service.count("SELECT coalesce(sum(used), 0)::bigint FROM daily_counter")
    }

    private func rows(_ service: ControlService) async throws -> Int {
        try await service.count("SELECT count(*)::bigint FROM deployment")
    }

    @Test("where certainly nothing was started, nothing remains: no record, no unit, a free lock and key")
    func certainlyNotStarted() async throws {
        try await ControlService.run(Self.settings) { service in
            for (kind, fields, status, code) in [
                ("status", #""status": 400"#, 502, "ENGINE_CALL_FAILED"), ("status", #""status": 404"#, 502, "ENGINE_CALL_FAILED"),
                ("status", #""status": 401"#, 502, "ENGINE_UNAUTHORIZED"), ("status", #""status": 403"#, 502, "ENGINE_UNAUTHORIZED"),
                ("redirect", "", 502, "ENGINE_MISCONFIGURED"), ("status", #""status": 429"#, 503, "ENGINE_UNAVAILABLE"),
            ] {
                try await service.gate.fault("start", kind, fields)
                let response = try await service.deploy(key: "again")
                #expect(response.status == status && response.code == code, "\(kind) \(fields): \(response.text)")
                #expect(try response.json["details"] == nil)
                #expect(try await rows(service) == 0)
                #expect(try await used(service) == 0)
                #expect(try await service.count("SELECT count(*)::bigint FROM idempotency_key") == 0)
            }
        }
    }

    @Test("an engine that refuses connections has started nothing")
    func connectionRefused() async throws {
        try await ControlService.run(Self.settings) { service in
            try await service.gate.refuseConnections(milliseconds: 1500)
            let response = try await service.deploy(key: "again")
            #expect(response.status == 503 && response.code == "ENGINE_UNAVAILABLE", "\(response.text)")
            #expect(response.field("retry-after") == "5")
            #expect(try await rows(service) == 0)
            #expect(try await used(service) == 0)
            let after = try await eventually {
                let response = try await service.deploy(key: "again")
                return response.code == "ENGINE_UNAVAILABLE" ? nil : response
            }
            #expect(after.status == 201, "\(after.text)")
            #expect(try await service.gate.startedCount() == 1)
            #expect(try await used(service) == 1)
        }
    }

    @Test(
        "where it is unclear and the engine has started, the deployment is found, shown and answered under its key",
        arguments: [
            ("drop", "", 504, "ENGINE_TIMEOUT"), ("reset", "", 504, "ENGINE_TIMEOUT"), ("no_id", "", 504, "ENGINE_TIMEOUT"),
            ("short", "", 504, "ENGINE_TIMEOUT"), ("html", "", 504, "ENGINE_TIMEOUT"), ("empty", "", 504, "ENGINE_TIMEOUT"),
            ("hold", "", 504, "ENGINE_TIMEOUT"), ("status", #""status": 500, "execute": true"#, 502, "ENGINE_CALL_FAILED"),
        ])
    func unclearAndStarted(_ kind: String, _ fields: String, _ status: Int, _ code: String) async throws {
        try await ControlService.run(Self.settings) { service in
            try await service.gate.fault("start", kind, fields)
            let response = try await service.deploy(key: "k")
            #expect(response.status == status && response.code == code, "\(response.text)")
            #expect(try response.json["details"]?["outcomeUnknown"] == true)
            // The lock stays, the key waits, nothing is shown yet; unless the reconciler was very fast.
            let other = try await service.deploy()
            #expect(other.code == "DEPLOYMENT_LOCKED")
            let answer = try await eventually {
                let response = try await service.deploy(key: "k")
                if response.code == "IDEMPOTENCY_IN_PROGRESS" {
                    #expect(response.field("retry-after") == "1")
                    return nil as TestResponse?
                }
                return response
            }
            #expect(answer.status == 201, "\(answer.text)")
            #expect(answer.field("idempotency-replayed") == "true")
            #expect(try answer.json["state"] == "ACTIVE")
            #expect(try await service.gate.startedCount() == 1)
            #expect(try await used(service) == 1)
            try await service.gate.change(try #require(try answer.json["spinnakerExecutionId"]?.string), #"{"status": "SUCCEEDED"}"#)
            #expect(try await service.ended(answer.id)["state"] == "SUCCEEDED")
            #expect(try await service.deploy().status == 201)
        }
    }

    @Test("where it is unclear and nothing was started, the lock, the unit and the key come back", arguments: [
        ("drop", #""execute": false"#), ("status", #""status": 503"#),
    ])
    func unclearAndNotStarted(_ kind: String, _ fields: String) async throws {
        try await ControlService.run(Self.settings) { service in
            try await service.gate.fault("start", kind, fields)
            #expect(try await service.deploy(key: "k").status >= 500)
            #expect(try await used(service) == 1)
            let answer = try await eventually {
                let response = try await service.deploy(key: "k")
                return response.code == "IDEMPOTENCY_IN_PROGRESS" ? nil : response
            }
            #expect(answer.status == 201, "\(answer.text)")
            #expect(answer.field("idempotency-replayed") == "false")
            #expect(try await service.gate.startedCount() == 1)
            #expect(try await used(service) == 1)
        }
    }

    @Test("while the engine cannot be searched, an undecided start keeps the lock")
    func searchFails() async throws {
        try await ControlService.run(Self.settings) { service in
            try await service.gate.fault("start", "drop", #""execute": false"#)
            try await service.gate.fault("search", "status", #""status": 500, "times": 2"#)
            _ = try await service.deploy(key: "k")
            try await service.gate.awaitRequests("search", count: 2)
            #expect(try await service.deploy().code == "DEPLOYMENT_LOCKED")
            try await service.gate.awaitRequests("search", count: 4)
            _ = try await eventually { try await rows(service) == 0 ? true : nil }
        }
    }

    @Test("a read tolerates whatever the engine answers", arguments: [
        ("status", #""status": 500"#), ("status", #""status": 401"#), ("redirect", ""), ("html", ""), ("empty", ""), ("drop", ""),
        ("garbage", ""), ("status", #""status": 404"#), ("body", #""text": "{\"status\": \"FLYING\"}""#),
    ])
    func tolerantReads(_ kind: String, _ fields: String) async throws {
        // The poller is slow here: the looks are the reader's.
        try await ControlService.run(
            Self.settings.merging(["TRIVET_POLL_INTERVAL_MS": "60000", "TRIVET_MINIMUM_LOOK_AGE_MS": "1"]) { $1 }
        ) { service in
            let response = try await service.deploy()
            try #require(response.status == 201)
            try await service.gate.fault("read", kind, fields)
            let read = try await service.send("GET", "/v1/deployments/\(response.id)")
            #expect(read.status == 200)
            #expect(try read.json == response.json)
            // A connection that was used before and drops is tried once more on a new one.
            if kind != "drop" {
                let isAnswer = fields.contains("404") || kind == "body"
                #expect(read.field("x-status-stale") == (isAnswer ? nil : "true"))
            }
            try await service.gate.change(
                try #require(try response.json["spinnakerExecutionId"]?.string), #"{"status": "SUCCEEDED"}"#)
            let after = try await service.send("GET", "/v1/deployments/\(response.id)")
            #expect(try after.json["state"] == "SUCCEEDED")
        }
    }

    @Test("an execution that vanished fails the deployment, after several looks over a minute")
    func vanished() async throws {
        try await ControlService.run(Self.settings) { service in
            let response = try await service.deploy()
            try await service.gate.forget(try #require(try response.json["spinnakerExecutionId"]?.string))
            _ = try await eventually {
                try await service.count("SELECT missing_count::bigint FROM deployment") >= 3 ? true : nil
            }
            #expect(try await service.send("GET", "/v1/deployments/\(response.id)").json["state"] == "ACTIVE")
            try await service.database.execute("UPDATE deployment SET missing_since = missing_since - interval '61 s'")
            let record = try await service.ended(response.id)
            #expect(record["state"] == "FAILED")
            #expect(record["failures"]?.array?.first?["category"] == "INFRA")
            #expect(record["failures"]?.array?.first?["summary"] == "The rollout's result could not be confirmed.")
        }
    }

    @Test("a held lock is looked at before it is said to be held")
    func lockIsRefreshed() async throws {
        try await ControlService.run(
            Self.settings.merging(["TRIVET_POLL_INTERVAL_MS": "60000", "TRIVET_MINIMUM_LOOK_AGE_MS": "1"]) { $1 }
        ) { service in
            let first = try await service.deploy("1.0.0")
            try await service.gate.change(
                try #require(try first.json["spinnakerExecutionId"]?.string), #"{"status": "SUCCEEDED"}"#)
            #expect(try await service.deploy("1.1.0").status == 201)
        }
    }
}
