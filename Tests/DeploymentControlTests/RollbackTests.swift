import Encoding
import Postgres
import TestSupport
import Testing

/// Reference 2.8, 3.4, 3.5.
@Suite struct RollbackTests {
    @Test("a rollback runs the version that was good before its target, and marks the target once it succeeds")
    func marksTheTarget() async throws {
        try await ControlService.run(ControlService.wideLimits.merging(ControlService.fastPolling) { $1 }) { service in
            let first = try await service.deployed("1.0.0")
            let again = try await service.deployed("1.1.0")
            let failed = try await service.deployed("1.1.0", "TERMINAL")
            let firstID = try #require(first["id"]?.string)
            let failedID = try #require(failed["id"]?.string)
            #expect(failed["state"] == "FAILED")
            let failures = try #require(failed["failures"]?.array)
            #expect(failures.count == 1)

            // 1.1.0 succeeded last, but it is the target's own version.
            let response = try await service.rollBack(failedID, key: "r")
            try #require(response.status == 201, "\(response.text)")
            #expect(response.field("idempotency-replayed") == "false")
            let record = try response.json
            #expect(record["version"] == "1.0.0")
            #expect(record["rollbackOf"]?.string == failedID)
            #expect(record["deploymentKind"] == "ROLLBACK")
            #expect(record["state"] == "ACTIVE")
            #expect(record["changeSummary"]?.string == "Roll back \(failedID) to 1.0.0")
            let order = try #require(try await service.gate.requests("start").last)
            #expect(order["target"]?.string?.hasSuffix("/demo/rollback-demo-service") == true)
            #expect(order["body"]?["parameters"]?["targetVersion"] == "1.0.0")

            // An empty body and an empty object are one request.
            #expect(try await service.rollBack(failedID, key: "r", "{}").body == response.body)
            #expect(try await service.rollBack(response.id).code == "ROLLBACK_OF_ROLLBACK")
            #expect(try await service.rollBack(firstID).code == "DEPLOYMENT_LOCKED")

            try await service.gate.change(try #require(record["spinnakerExecutionId"]?.string), #"{"status": "SUCCEEDED"}"#)
            #expect(try await service.ended(response.id)["state"] == "SUCCEEDED")
            let target = try await service.send("GET", "/v1/deployments/\(failedID)").json
            #expect(target["state"] == "ROLLED_BACK")
            #expect(target["failures"]?.array == failures)
            #expect(target["updatedAt"] != failed["updatedAt"])
            // Its own execution still says TERMINAL: a terminal record is not looked at again.
            let reads = try await service.gate.requests("read").count
            _ = try await service.send("GET", "/v1/deployments/\(failedID)")
            #expect(try await service.gate.requests("read").count == reads)

            #expect(try await service.rollBack(failedID).code == "INVALID_REQUEST")
            #expect(try await service.rollBack(firstID).code == "NO_PRIOR_SUCCESSFUL_VERSION")
            let story = try #require(try await service.send("GET", "/v1/deployments/\(failedID)/timeline").json.array)
            #expect(story.compactMap { $0["key"]?.string } == [
                "submitted", "validated", "in_progress", "failed", "rollback_started", "rollback_succeeded",
            ])
            let running = try await service.send("GET", "/v1/services/demo-service/running").json
            #expect(running["id"]?.string == response.id)
            #expect(again["state"] == "SUCCEEDED")
        }
    }

    @Test("a rollback that fails leaves its target as it was")
    func failedRollback() async throws {
        try await ControlService.run(ControlService.wideLimits.merging(ControlService.fastPolling) { $1 }) { service in
            try await service.deployed("1.0.0")
            let second = try await service.deployed("1.1.0")
            let secondID = try #require(second["id"]?.string)
            let response = try await service.rollBack(secondID, #"{"changeSummary":"1.1.0 is slow"}"#)
            try #require(response.status == 201, "\(response.text)")
            #expect(try response.json["changeSummary"] == "1.1.0 is slow")
            let execution = try #require(try response.json["spinnakerExecutionId"]?.string)
            try await service.gate.change(execution, #"{"status": "CANCELED"}"#)
            let rollback = try await service.ended(response.id)
            #expect(rollback["state"] == "FAILED")
            #expect(rollback["failures"]?.array?.count == 1)
            #expect(try await service.send("GET", "/v1/deployments/\(secondID)").json == second)
            let story = try await service.send("GET", "/v1/deployments/\(secondID)/timeline").json.array ?? []
            #expect(story.last?["key"] == "rollback_failed")
            let failures = try await service.send("GET", "/v1/deployments/\(response.id)/failures").json
            #expect(failures == rollback["failures"])
        }
    }

    @Test("the environment of an old record is checked, and a summary that is too long is refused")
    func oldRecords() async throws {
        try await ControlService.run(ControlService.wideLimits) { service in
            try await service.deployed("1.0.0")
            let record = try await service.deployed("1.1.0")
            let id = try #require(record["id"]?.string)
            #expect(try await service.rollBack(id, #"{"changeSummary":""}"#).code == "INVALID_REQUEST")
            #expect(try await service.rollBack(id, #"{"changeSummary":7}"#).code == "INVALID_REQUEST")
            // As a release with more environments may have left it.
            try await service.database.execute("ALTER TABLE deployment DISABLE TRIGGER guard")
            try await service.database.execute("UPDATE deployment SET environment = 'production'")
            #expect(try await service.rollBack(id).code == "INVALID_ENVIRONMENT")
        }
    }
}
