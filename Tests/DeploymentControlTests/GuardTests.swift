import Encoding
import EventLoop
import Postgres
import TestSupport
import Testing

/// Reference 2.3: what wins over what.
@Suite struct GuardTests {
    @Test("guards answer in their order, whatever else is wrong")
    func order() async throws {
        try await ControlService.run(ControlService.wideLimits) { service in
            func post(
                _ body: String?, as role: String? = "deployer", key: String? = "k", fields: [String: String] = [:]
            ) async throws -> (Int, String?) {
                let response = try await service.send("POST", "/v1/deployments", as: role, key: key, body, fields: fields)
                #expect(try response.json["request_id"]?.string == response.field("x-request-id"))
                return (response.status, response.code)
            }
            let good = ControlService.intent()

            #expect(try await service.send("POST", "/v1/nothing", as: nil).code == "NOT_FOUND")
            let method = try await service.send("PUT", "/v1/deployments", as: nil, "{}")
            #expect(method.status == 405 && method.code == "METHOD_NOT_ALLOWED")
            #expect(method.field("allow")?.contains("POST") == true)
            for credential in [nil, "nonsense", "Bearer"] {
                let response = try await service.send("POST", "/v1/deployments", as: credential, "rubbish")
                #expect(response.status == 401 && response.code == "UNAUTHORIZED")
                #expect(response.field("www-authenticate") == "Bearer")
            }
            #expect(try await post("rubbish", as: "observer", key: nil) == (403, "ROLE_FORBIDDEN"))
            #expect(try await post("rubbish", as: "ci-publisher", key: nil) == (403, "ROLE_FORBIDDEN"))
            #expect(try await post("rubbish", key: nil) == (400, "IDMP_KEY_REQUIRED"))
            #expect(try await post("rubbish", key: "  ") == (400, "IDMP_KEY_REQUIRED"))
            #expect(try await post(good, key: "a b") == (400, "INVALID_REQUEST"))
            #expect(try await post(good, key: String(repeating: "k", count: 256)) == (400, "INVALID_REQUEST"))
            #expect(try await post("rubbish") == (400, "INVALID_REQUEST"))
            #expect(try await post("[]") == (400, "INVALID_REQUEST"))
            #expect(try await post(#"{"a":1,"a":2}"#) == (400, "INVALID_REQUEST"))
            #expect(try await post(good, fields: ["Content-Type": "text/plain"]) == (415, "INVALID_REQUEST"))
            #expect(try await post(#"{"a":""# + String(repeating: "x", count: 65_536) + #""}"#) == (413, "INVALID_REQUEST"))

            let other = ControlService.intent("bad", service: "other", environment: "production")
            #expect(try await post(#"{"service":"other"}"#) == (400, "INVALID_REQUEST"))
            #expect(try await post(other) == (403, "SERVICE_NOT_ALLOWLISTED"))
            #expect(try await post(ControlService.intent("bad", environment: "production")) == (400, "INVALID_ENVIRONMENT"))
            #expect(try await post(ControlService.intent(environment: "Sandbox")) == (400, "INVALID_ENVIRONMENT"))
            #expect(try await post(
                #"{"service":"demo-service","environment":7,"version":"1.0.0","changeSummary":"x"}"#)
                == (400, "INVALID_ENVIRONMENT"))
            #expect(try await post(ControlService.intent("1.0.0\\n")) == (400, "INVALID_REQUEST"))
            #expect(try await post(ControlService.intent(service: "DEMO-SERVICE")) == (403, "SERVICE_NOT_ALLOWLISTED"))
            #expect(try await post(ControlService.intent(service: "\\u0000")) == (403, "SERVICE_NOT_ALLOWLISTED"))
            #expect(try await post(ControlService.intent(summary: " \\t ")) == (400, "INVALID_REQUEST"))
            #expect(try await post(ControlService.intent(summary: String(repeating: "é", count: 241))) == (400, "INVALID_REQUEST"))

            // Nothing of all this was kept under the key, none took a unit, none reached the engine.
            #expect(try await service.count("SELECT count(*)::bigint FROM idempotency_key") == 0)
            #expect(try await service.count("SELECT count(*)::bigint FROM daily_counter") == 0)
            #expect(try await service.gate.requests("start").isEmpty)

            // While the lock is held.
            let holder = try await service.deploy(key: "holder")
            try #require(holder.status == 201)
            #expect(try await post(other) == (403, "SERVICE_NOT_ALLOWLISTED"))
            #expect(try await post(good) == (409, "DEPLOYMENT_LOCKED"))
            #expect(try await post(good, key: nil) == (400, "IDMP_KEY_REQUIRED"))
            #expect(try await service.deploy(key: "holder").field("idempotency-replayed") == "true")
            #expect(try await service.rollBack("nonsense").code == "NOT_FOUND")
            #expect(try await service.rollBack(holder.id).code == "DEPLOYMENT_LOCKED")

            // While changes are switched off: authentication and role first, then nothing else.
            let on = try await service.send(
                "PUT", "/v1/admin/system/mutations-disabled", #"{"mutations_disabled":true,"reason":"incident"}"#)
            #expect(try on.json["mutations_disabled"] == true)
            #expect(try await post("rubbish", as: nil, key: nil) == (401, "UNAUTHORIZED"))
            #expect(try await post("rubbish", as: "observer", key: nil) == (403, "ROLE_FORBIDDEN"))
            #expect(try await post("rubbish", key: nil) == (503, "MUTATIONS_DISABLED"))
            let replay = try await service.deploy(key: "holder")
            #expect(replay.code == "MUTATIONS_DISABLED" && replay.field("retry-after") == "60")
            #expect(try await service.send("POST", "/v1/deployments/validate", good).code == "MUTATIONS_DISABLED")
            #expect(try await service.send("GET", "/v1/deployments/\(holder.id)").status == 200)
            let off = try await service.send(
                "PUT", "/v1/admin/system/mutations-disabled", #"{"mutations_disabled":false}"#)
            #expect(try off.json["mutations_disabled"] == false)
            #expect(try await service.deploy(key: "holder").status == 201)
        }
    }

    @Test("minute limits are counted apart for reads and changes, per client, and say when they end")
    func minuteLimits() async throws {
        try await ControlService.run(["TRIVET_READS_PER_MINUTE": "3", "TRIVET_MUTATIONS_PER_MINUTE": "2"]) { service in
            for left in [2, 1, 0] {
                let response = try await service.send("GET", "/v1/deployments", as: "deployer")
                #expect(response.status == 200)
                #expect(response.field("ratelimit-limit") == "3")
                #expect(response.field("ratelimit-remaining") == "\(left)")
            }
            let refused = try await service.send("GET", "/v1/whoami", as: "deployer")
            #expect(refused.status == 429 && refused.code == "RATE_LIMITED")
            let details = try refused.json["details"]
            #expect(details?["scope"] == "minute" && details?["bucket"] == "read" && details?["limit"] == 3 && details?["used"] == 3)
            #expect(Int(refused.field("retry-after") ?? "").map { (1...60).contains($0) } == true)

            #expect(try await service.deploy().status == 201)
            // What is refused later counts; what is refused earlier does not.
            #expect(try await service.send("POST", "/v1/deployments", as: "deployer", "rubbish").code == "IDMP_KEY_REQUIRED")
            #expect(try await service.send("POST", "/v1/deployments", as: "deployer", "rubbish").code == "RATE_LIMITED")
            #expect(try await service.send("GET", "/v1/deployments", as: "admin").status == 200)
            // Another token of the same client shares the window.
            let token = try await service.makeToken("deployer", client: "client-deployer")
            #expect(try await service.send("GET", "/v1/whoami", as: token).status == 429)
            #expect(try await service.send("GET", "/v1/health", as: nil).text == #"{"status":"ok"}"#)
        }
    }

    @Test("daily quotas count what was started only, are checked before the lock, and deployments do not use up rollbacks")
    func dailyQuotas() async throws {
        try await ControlService.run(
            ControlService.wideLimits.merging(["TRIVET_DAILY_DEPLOYMENTS": "2", "TRIVET_DAILY_ROLLBACKS": "0"]) { $1 }
        ) { service in
            try await service.deployed("1.0.0")
            try await service.gate.fault("start", "status", #""status": 400"#)
            #expect(try await service.deploy("1.1.0").code == "ENGINE_CALL_FAILED")
            let second = try await service.deploy("1.1.0")
            try #require(second.status == 201, "\(second.text)")
            #expect(try await service.deploy("1.2.0", as: "admin").code == "DEPLOYMENT_LOCKED")
            let refused = try await service.deploy("1.2.0")
            #expect(refused.status == 429 && refused.code == "RATE_LIMITED")
            let details = try refused.json["details"]
            #expect(details?["scope"] == "day" && details?["bucket"] == "deployments" && details?["limit"] == 2)
            #expect(Int(refused.field("retry-after") ?? "").map { (1...86_400).contains($0) } == true)
            #expect(try await service.rollBack(second.id).code == "RATE_LIMITED")

            let limits = try await service.send("GET", "/v1/limits", as: "deployer").json
            #expect(limits["perDay"]?["deployments"]?["used"] == 2)
            #expect(limits["perDay"]?["deployments"]?["remaining"] == 0)
            #expect(limits["perDay"]?["uploadCapabilities"]?["remaining"] == 5000)
            #expect(limits["perMinute"]?["read"]?["limit"] == 5000)
        }
    }

    @Test("a preview names every guard that is violated and takes nothing")
    func preview() async throws {
        try await ControlService.run(ControlService.wideLimits) { service in
            let good = try await service.send("POST", "/v1/deployments/validate", as: "deployer", ControlService.intent()).json
            #expect(good["valid"] == true && good["violations"] == [])
            #expect(good["quota"]?["remaining"] == 5000 && good["concurrency"]?["inFlight"] == 0)
            _ = try await service.deploy(as: "admin")
            let bad = try await service.send(
                "POST", "/v1/deployments/validate", as: "deployer",
                #"{"service":"other","environment":"production","version":"one","changeSummary":" "}"#)
            #expect(bad.status == 200)
            let codes = try bad.json["violations"]?.array?.compactMap { $0["code"]?.string }
            #expect(codes == [
                "INVALID_REQUEST", "INVALID_ENVIRONMENT", "INVALID_REQUEST", "SERVICE_NOT_ALLOWLISTED", "DEPLOYMENT_LOCKED",
            ])
            #expect(try await service.count("SELECT count(*)::bigint FROM deployment") == 1)
            #expect(try await service.send("POST", "/v1/deployments/validate", as: "observer", "{}").code == "ROLE_FORBIDDEN")
        }
    }

    @Test("a version has to be registered where the service says so")
    func registeredBuilds() async throws {
        try await ControlService.run(ControlService.wideLimits) { service in
            let (exit, _, error) = try await service.run([
                "service", "add", ControlService.demo, "--application", "demo", "--deploy-pipeline", "deploy-demo-service",
                "--rollback-pipeline", "rollback-demo-service", "--require-registered-build",
            ])
            try #require(exit.isSuccess, "\(error)")
            #expect(try await service.deploy("1.4.0").code == "VERSION_NOT_FOUND")
            try await service.database.execute(
                """
                WITH capability AS (
                    INSERT INTO upload_capability (id, client, service, version, size_bytes, sha256, content_type,
                        artifact_ref, state, expires_at)
                    VALUES (gen_random_uuid(), 'c', 'demo-service', '1.4.0', 1, repeat('a', 64), 'application/zip',
                        's3://bucket/a/demo-service/1.4.0/' || repeat('a', 64) || '.zip', 'ISSUED', now() + interval '1 hour') RETURNING id, artifact_ref)
                INSERT INTO build (id, client, service, version, artifact_ref, sha256, size_bytes, content_type, capability)
                SELECT gen_random_uuid(), 'c', 'demo-service', '1.4.0', artifact_ref, repeat('a', 64), 1,
                    'application/zip', id FROM capability
                """)
            #expect(try await service.deploy("1.4.0").status == 201)
            let parameters = try await service.gate.requests("start")[0]["body"]?["parameters"]
            let digest = String(repeating: "a", count: 64)
            #expect(parameters?["artifactRef"]?.string == "s3://bucket/a/demo-service/1.4.0/\(digest).zip")
            #expect(parameters?["s3Bucket"] == "bucket")
            #expect(parameters?["s3Key"]?.string == "a/demo-service/1.4.0/\(digest).zip")
            #expect(parameters?["sha256"]?.string == digest)
        }
    }

    @Test("a service that is removed keeps its history, and nothing new is started for it")
    func removedService() async throws {
        try await ControlService.run(ControlService.wideLimits) { service in
            let record = try await service.deployed("1.0.0")
            let listed = try await service.run(["service", "list"])
            #expect(listed.output.hasPrefix("demo-service\tdemo\tdeploy-demo-service\trollback-demo-service\thttp://runtime.example"))
            #expect(try await service.run(["service", "remove", "demo-service"]).exit.isSuccess)
            #expect(try await !service.run(["service", "remove", "demo-service"]).exit.isSuccess)
            #expect(try await service.deploy("1.1.0").code == "SERVICE_NOT_ALLOWLISTED")
            let id = try #require(record["id"]?.string)
            #expect(try await service.rollBack(id).code == "SERVICE_NOT_ALLOWLISTED")
            #expect(try await service.send("GET", "/v1/deployments/\(id)").status == 200)
            #expect(try await service.send("GET", "/v1/services").json == [])
        }
    }
}
