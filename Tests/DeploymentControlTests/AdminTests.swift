import Encoding
import EventLoop
import Postgres
import TestSupport
import Testing

@Suite struct AdminTests {
    @Test("the kill switch is turned by the command line and the API, at once for every instance, with a trail")
    func killSwitch() async throws {
        try await ControlService.run(ControlService.wideLimits, instances: 2) { service in
            #expect(try await service.run(["kill-switch", "status"]).output == "off\n")
            #expect(try await service.run(["kill-switch", "on", "--reason", "incident 7"]).exit.isSuccess)
            for instance in service.instances {
                #expect(try await service.deploy(to: instance).code == "MUTATIONS_DISABLED")
            }
            let status = try await service.run(["kill-switch", "status"]).output
            #expect(status.hasPrefix("on, set on by command-line at ") && status.hasSuffix(": incident 7\n"))
            let state = try await service.send("GET", "/v1/admin/system/mutations-disabled").json
            #expect(state["mutations_disabled"] == true && state["forced"] == false && state["reason"] == "incident 7")
            #expect(try await service.send("GET", "/v1/admin/system/mutations-disabled", as: "deployer").status == 403)
            for body in ["{}", #"{"mutations_disabled":"no"}"#, #"{"mutations_disabled":true,"reason":7}"#] {
                #expect(try await service.send("PUT", "/v1/admin/system/mutations-disabled", body).code == "INVALID_REQUEST")
            }
            #expect(try await service.run(["kill-switch", "off"]).exit.isSuccess)
            #expect(try await service.deploy().status == 201)
            let events = try #require(try await service.send(
                "GET", "/v1/audit/events?action=ADMIN_CONFIG_CHANGE").json.array)
            #expect(events.map { $0["summary"]?.string } == [
                "mutations_disabled on to off", "mutations_disabled off to on: incident 7",
            ])
            // The environment can only force it on.
            let forced = try await service.startInstance(["TRIVET_MUTATIONS_DISABLED": "true"])
            #expect(try await service.deploy(to: forced).code == "MUTATIONS_DISABLED")
        }
    }

    @Test("an operator gives up a stuck deployment, by force where the engine is still at it")
    func release() async throws {
        try await ControlService.run(ControlService.wideLimits) { service in
            func release(_ id: String, _ body: String, key: String, as role: String = "admin") async throws -> TestResponse {
                try await service.send("POST", "/v1/admin/deployments/\(id)/release", as: role, key: key, body)
            }
            let id = try await service.deploy().id
            let lock = try await service.send("GET", "/v1/admin/lock").json
            #expect(lock["held"] == true && lock["deploymentId"]?.string == id && lock["state"] == "ACTIVE")
            #expect(try await release(id, #"{"reason":"x"}"#, key: "a", as: "deployer").code == "ROLE_FORBIDDEN")
            #expect(try await release(id, "{}", key: "a").code == "INVALID_REQUEST")
            #expect(try await release(id, #"{"reason":"stuck"}"#, key: "a").code == "DEPLOYMENT_NOT_RELEASABLE")
            let done = try await release(id, #"{"reason":"stuck","force":true}"#, key: "b")
            #expect(done.status == 200, "\(done.text)")
            #expect(try done.json["outcome"] == "FAILED")
            let replay = try await release(id, #"{"reason":"stuck","force":true}"#, key: "b")
            #expect(replay.body == done.body && replay.field("idempotency-replayed") == "true")
            let record = try await service.send("GET", "/v1/deployments/\(id)").json
            #expect(record["state"] == "FAILED" && record["failures"]?.array?.first?["category"] == "INFRA")
            #expect(try await release(id, #"{"reason":"again"}"#, key: "c").code == "DEPLOYMENT_NOT_RELEASABLE")
            #expect(try await release("nonsense", #"{"reason":"x"}"#, key: "d").code == "NOT_FOUND")
            #expect(try await service.send("GET", "/v1/admin/lock").json == ["held": false])

            // A reservation: nobody knows yet what the engine made of it.
            try await service.gate.fault("start", "drop", #""execute": false"#)
            #expect(try await service.deploy(key: "k").code == "ENGINE_TIMEOUT")
            let reserved = try #require(try await service.send("GET", "/v1/admin/lock").json["deploymentId"]?.string)
            #expect(try await service.send("GET", "/v1/deployments/\(reserved)").code == "NOT_FOUND")
            #expect(try await service.send("GET", "/v1/deployments?state=PENDING").json == [])
            #expect(try await release(reserved, #"{"reason":"x"}"#, key: "e").code == "DEPLOYMENT_NOT_RELEASABLE")
            let removed = try await release(reserved, #"{"reason":"x","force":true}"#, key: "f")
            #expect(try removed.json["outcome"] == "REMOVED")
            let used = try await service.count("SELECT used::bigint FROM daily_counter WHERE quota = 'deployments'")
            #expect(used == 1)
            #expect(try await service.deploy(key: "k").status == 201)
            let trail = try #require(try await service.send("GET", "/v1/audit/events?action=LOCK_RELEASED").json.array)
            #expect(trail.map { $0["targetId"]?.string } == [reserved, id])
        }
    }

    @Test("what was refused, started and changed is in the trail, which nobody can change")
    func auditTrail() async throws {
        try await ControlService.run(ControlService.wideLimits) { service in
            _ = try await service.send(
                "POST", "/v1/deployments", as: "deployer", key: "k", ControlService.intent(service: "other"),
                fields: ["X-Request-Id": "my-request"])
            let record = try await service.deployed("1.0.0")
            let id = try #require(record["id"]?.string)
            _ = try await eventually {
                try await service.count("SELECT count(*)::bigint FROM audit_event WHERE action = 'DEPLOY_DENIED'") == 1
                    ? true : nil
            }
            let events = try #require(try await service.send("GET", "/v1/audit/events").json.array)
            let denied = try #require(events.first { $0["action"] == "DEPLOY_DENIED" })
            #expect(denied["outcome"] == "DENIED" && denied["actor"] == "client-deployer" && denied["requestId"] == "my-request")
            #expect(denied["summary"]?.string?.hasPrefix("SERVICE_NOT_ALLOWLISTED") == true)
            let own = try #require(try await service.send("GET", "/v1/audit/events?targetId=\(id)").json.array)
            #expect(own.map { $0["action"] } == ["STATE_CHANGED", "DEPLOY_SUBMIT"])
            let page = try await service.send("GET", "/v1/audit/events?limit=1")
            #expect(try page.json.array?.count == 1)
            let link = try #require(page.field("link"))
            let next = try #require(link.split(separator: ">").first?.dropFirst())
            #expect(try await service.send("GET", String(next)).json.array?.first == events[1])
            for query in ["limit=0", "limit=501", "limit=01", "outcome=NONE", "since=yesterday", "before=x", "limit=1&limit=2", "actor=%00", "actor=%zz"] {
                #expect(try await service.send("GET", "/v1/audit/events?\(query)").code == "INVALID_REQUEST", "\(query)")
            }
            #expect(try await service.send("GET", "/v1/audit/events", as: "deployer").code == "ROLE_FORBIDDEN")
            await #expect(throws: DatabaseError.self) { try await service.database.execute("DELETE FROM audit_event") }
        }
    }

    @Test("the list pages by cursor, filters, and leaves out what has no execution")
    func list() async throws {
        try await ControlService.run(ControlService.wideLimits.merging(ControlService.fastPolling) { $1 }) { service in
            for version in ["1.0.0", "1.1.0", "1.2.0"] { try await service.deployed(version, version == "1.1.0" ? "TERMINAL" : "SUCCEEDED") }
            let all = try #require(try await service.send("GET", "/v1/deployments", as: "observer").json.array)
            #expect(all.map { $0["version"] } == ["1.2.0", "1.1.0", "1.0.0"])
            var target: String? = "/v1/deployments?limit=1&service=demo-service"
            var paged: [JSONValue] = []
            while let current = target {
                let page = try await service.send("GET", current, as: "ci-publisher")
                paged += try page.json.array ?? []
                target = page.field("link").flatMap { $0.split(separator: ">").first.map { String($0.dropFirst()) } }
            }
            #expect(paged == all)
            #expect(try await service.send("GET", "/v1/deployments?state=FAILED&service=").json.array == [all[1]])
            #expect(try await service.send("GET", "/v1/deployments?service=other").json == [])
            for query in ["state=DONE", "state=failed", "state=FAILED&state=FAILED", "before=x", "before=1.y", "limit=501", "limit=-1"] {
                #expect(try await service.send("GET", "/v1/deployments?\(query)").code == "INVALID_REQUEST", "\(query)")
            }
            let head = try await TestLoops.run { [address = service.process.address, token = service.tokens["admin"] ?? ""] in
                let client = try await TestClient.connect(to: address)
                defer { client.close() }
                return try await client.exchange("HEAD", "/v1/deployments", fields: ["Authorization": "Bearer \(token)"])
            }
            #expect(head.status == 200 && head.body.isEmpty)
            let who = try await service.send("GET", "/v1/whoami", as: "ci-publisher").json
            #expect(who["client"] == "client-ci-publisher" && who["role"] == "ci-publisher")
            #expect(who["permissions"] == ["publish", "read"])
            #expect(try await service.send("GET", "/v1/services/other/running").code == "NOT_FOUND")
            #expect(try await service.send("GET", "/v1/services").json == [["name": "demo-service", "requiresRegisteredBuild": false]])
        }
    }

    @Test("pages of configured origins may call, pages of others may not")
    func crossOrigin() async throws {
        try await ControlService.run(["TRIVET_CORS_ORIGINS": "http://127.0.0.1:5173"]) { service in
            let preflight = try await service.send(
                "OPTIONS", "/v1/deployments", as: nil,
                fields: ["Origin": "http://127.0.0.1:5173", "Access-Control-Request-Method": "POST"])
            #expect(preflight.status == 204)
            #expect(preflight.field("access-control-allow-origin") == "http://127.0.0.1:5173")
            #expect(preflight.field("access-control-allow-methods")?.contains("POST") == true)
            #expect(preflight.field("access-control-allow-headers")?.contains("Idempotency-Key") == true)
            let call = try await service.send("GET", "/v1/whoami", fields: ["Origin": "http://127.0.0.1:5173"])
            #expect(call.field("access-control-allow-origin") == "http://127.0.0.1:5173")
            #expect(call.field("vary") == "Origin")
            let other = try await service.send("GET", "/v1/whoami", fields: ["Origin": "http://evil.example"])
            #expect(other.field("access-control-allow-origin") == nil)
        }
    }
}
