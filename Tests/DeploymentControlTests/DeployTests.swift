import Encoding
import Postgres
import TestSupport
import Testing

@Suite struct DeployTests {
    @Test("a deployment is started once, shown, followed to its end, and frees the lock")
    func goesWell() async throws {
        try await ControlService.run(ControlService.fastPolling.merging(ControlService.wideLimits) { $1 }) { service in
            let response = try await service.deploy("1.4.0", key: "first")
            try #require(response.status == 201, "\(response.text)")
            let record = try response.json
            #expect(response.field("location") == "/v1/deployments/\(response.id)")
            #expect(response.field("idempotency-replayed") == "false")
            #expect(response.field("content-type") == "application/json; charset=utf-8")
            #expect(record["state"] == "ACTIVE")
            #expect(record["service"] == "demo-service")
            #expect(record["environment"] == "sandbox")
            #expect(record["version"] == "1.4.0")
            #expect(record["changeSummary"] == "a change")
            #expect(record["deploymentKind"] == "ROLL_FORWARD")
            #expect(record["rollbackOf"] == nil)
            #expect(record["failures"] == [])
            #expect(record["createdAt"] == record["updatedAt"])
            let execution = try #require(record["spinnakerExecutionId"]?.string)
            #expect(record["spinnakerExecutionUrl"]?.string?.hasSuffix(execution) == true)

            let started = try await service.gate.requests("start")
            try #require(started.count == 1)
            let order = try #require(started[0]["body"])
            #expect(order["correlationId"]?.string == response.id)
            #expect(order["user"] == "client-deployer")
            #expect(order["parameters"]?["service"] == "demo-service")
            #expect(order["parameters"]?["version"] == "1.4.0")
            #expect(order["parameters"]?["engineUrl"] == "http://runtime.example")
            #expect(order["parameters"]?["deploymentId"]?.string == response.id)

            let second = try await service.deploy("1.5.0")
            #expect(second.status == 409)
            #expect(second.code == "DEPLOYMENT_LOCKED")
            #expect(second.field("retry-after") == "5")
            #expect(try second.json["details"]?["activeDeploymentId"]?.string == response.id)

            // Nobody reads: the poller alone follows it.
            try await service.gate.change(execution, #"{"status": "SUCCEEDED"}"#)
            _ = try await eventually {
                try await service.count("SELECT count(*)::bigint FROM deployment WHERE state = 'SUCCEEDED'") == 1 ? true : nil
            }
            let again = try await service.deploy("1.5.0")
            #expect(again.status == 201)
            let list = try #require(try await service.send("GET", "/v1/deployments").json.array)
            #expect(list.map { $0["version"] } == ["1.5.0", "1.4.0"])
        }
    }

    @Test("a replay gives the first answer again, byte for byte, and does nothing")
    func replays() async throws {
        try await ControlService.run(ControlService.wideLimits) { service in
            let first = try await service.deploy(key: "k")
            try #require(first.status == 201)
            try await service.gate.change(try #require(first.json["spinnakerExecutionId"]?.string), #"{"status": "SUCCEEDED"}"#)
            _ = try await service.ended(first.id)
            for key in ["k", "\"k\"", " k "] {
                let replay = try await service.deploy(key: key)
                #expect(replay.status == 201)
                #expect(replay.body == first.body)
                #expect(replay.field("location") == first.field("location"))
                #expect(replay.field("idempotency-replayed") == "true")
            }
            #expect(try await service.gate.startedCount() == 1)
            let used = try await service.count("SELECT used::bigint FROM daily_counter WHERE quota = 'deployments'")
            #expect(used == 1)

            let other = try await service.deploy("2.0.0", key: "k")
            #expect(other.status == 409)
            #expect(other.code == "IDEMPOTENCY_CONFLICT")
            // White space and the order of keys do not make another request; another client's key is another key.
            let spelled = try await service.send(
                "POST", "/v1/deployments", as: "deployer", key: "k",
                #" {"changeSummary":"a change", "version":"1.4.0","environment":"sandbox","service":"demo-service"} "#)
            #expect(spelled.field("idempotency-replayed") == "true")
            let admin = try await service.deploy(key: "k", as: "admin")
            #expect(admin.status == 201, "\(admin.text)")
            #expect(admin.id != first.id)
        }
    }

    @Test("a key whose window is over is a new one")
    func windowEnds() async throws {
        try await ControlService.run(ControlService.wideLimits.merging(ControlService.fastPolling) { $1 }) { service in
            try await service.gate.script(#"[[0, "SUCCEEDED"]]"#, always: true)
            let first = try await service.deploy(key: "k")
            _ = try await service.ended(first.id)
            try await service.database.execute(
                "UPDATE idempotency_key SET claimed_at = claimed_at - interval '2 days', expires_at = expires_at - interval '2 days'")
            let second = try await service.deploy(key: "k")
            #expect(second.status == 201 && second.field("idempotency-replayed") == "false")
            #expect(second.id != first.id)
        }
    }

    @Test("the switch is read again with the reservation: what passed it before it was turned on is stopped")
    func switchIsReadAgain() async throws {
        try await ControlService.run(ControlService.wideLimits) { service in
            // A reservation that waits for the row of the allowlist, with the first look at the switch behind it.
            let blocked = try await service.database.transaction { transaction in
                try await transaction.execute("LOCK TABLE service IN ACCESS EXCLUSIVE MODE")
                let blocked = Task { try await service.deploy() }
                _ = try await eventually {
                    try await service.count(
                        "SELECT count(*)::bigint FROM pg_locks WHERE NOT granted AND relation = 'service'::regclass") == 1
                        ? true : nil
                }
                try await transaction.execute(
                    "INSERT INTO setting (name, value, updated_by) VALUES ('mutations_disabled', 'on', 'test')")
                return blocked
            }
            let response = try await blocked.value
            #expect(response.code == "MUTATIONS_DISABLED" || response.code == "STORAGE_UNAVAILABLE", "\(response.text)")
            #expect(try await service.gate.startedCount() == 0)
            #expect(try await service.count("SELECT count(*)::bigint FROM deployment") == 0)
            let metrics = try await service.send("GET", "/metrics", as: nil).text
            #expect(metrics.contains(#"trivet_deployment_launches_total{outcome="refused"} 1"#))
            #expect(metrics.contains("trivet_deployment_lock_held_seconds 0"))
        }
    }
}
