import EventLoop
import HTTP
import Locking
import TestSupport
import Testing

@testable import ServiceKit

@Suite struct ServiceResponderTests {
    typealias R = Route<FixtureRole>

    private struct Broken: Error, CustomStringConvertible {
        var description: String { "table \"x\" is gone" }
    }

    private static let routes: [R] = [
        R(.get, "/v1/notes/{id}", "readNote", needs: .read, statuses: [200]) { request, context in
            context.note(.number("note", 7))
            return Response(.ok, text: "\(request.parameters["id"] ?? "") \(context.identity?.client ?? "") \(context.trace.traceparent)")
        },
        R(.post, "/v1/notes", "addNote", needs: .write, statuses: [201]) { request, _ in
            let body = try await request.body.collect(upTo: 100)
            return Response(.created, text: "\(body.count)")
        },
        R(.get, "/v1/open", "open", access: .open, statuses: [200]) { _, _ in Response(.ok, text: "open") },
        R(.get, "/v1/any", "any", access: .authenticated, statuses: [200]) { _, _ in Response(.ok, text: "any") },
        R(.get, "/v1/broken", "broken", access: .open, statuses: [500]) { _, _ in throw Broken() },
        R(.get, "/v1/stream", "stream", access: .open, statuses: [200]) { _, _ in
            Response(.ok, body: .stream(contentLength: nil) { try await $0.write("abc"); try await $0.write("de") })
        },
    ]

    @Test("a request is routed, authenticated, authorized and answered")
    func success() async throws {
        try await withResponder(Self.routes) { fixture in
            let response = try await fixture.get("/v1/notes/5", fields: ["traceparent": "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"])
            #expect(response.status == 200)
            #expect(response.text.hasPrefix("5 r 00-4bf92f3577b34da6a3ce929d0e0e4736-"))
            #expect(!response.text.contains("00f067aa0ba902b7"))
            #expect(response.field("X-Content-Type-Options") == "nosniff")
            #expect(response.field("Cache-Control") == "no-store")
            #expect(response.field("X-Request-Id")?.count == 36)
            let line = try #require(try await fixture.logLines().first)
            #expect(line["request_id"] as? String == response.field("X-Request-Id"))
            #expect(line["trace_id"] as? String == "4bf92f3577b34da6a3ce929d0e0e4736")
            #expect(line["client"] as? String == "r")
            #expect(line["method"] as? String == "GET")
            #expect(line["route"] as? String == "/v1/notes/{id}")
            #expect(line["status"] as? Int == 200)
            #expect(line["bytes"] as? Int == response.body.count)
            #expect(line["note"] as? Int == 7)
            #expect((line["duration_ms"] as? Double ?? -1) >= 0)
            #expect(fixture.exposition.contains(#"trivet_http_requests_total{method="GET",route="/v1/notes/{id}",status="2xx"} 1"#))
            #expect(fixture.exposition.contains(#"trivet_http_request_duration_seconds_count{method="GET",route="/v1/notes/{id}"} 1"#))
            #expect(fixture.exposition.contains("trivet_http_requests_in_flight 0"))
        }
    }

    @Test(
        "every failure goes through the envelope, with its fields",
        arguments: [
            ("GET", "/v1/nothing", "reader", 404, nil, nil), ("DELETE", "/v1/notes", "reader", 405, "Allow", "POST, OPTIONS"),
            ("GET", "/v1/notes/1", nil, 401, "WWW-Authenticate", "Bearer"),
            ("GET", "/v1/notes/1", "wrong", 401, "WWW-Authenticate", "Bearer"), ("POST", "/v1/notes", "reader", 403, nil, nil),
            ("GET", "/v1/notes/1", "stranger", 403, nil, nil), ("GET", "/v1/notes/1", "down", 503, nil, nil),
            ("GET", "/v1/broken", nil, 500, nil, nil), ("GET", "/v1/notes/a%2Fb", "reader", 400, nil, nil),
        ] as [(String, String, String?, Int, String?, String?)])
    func failures(method: String, path: String, token: String?, status: Int, field: String?, value: String?) async throws {
        try await withResponder(Self.routes) { fixture in
            let response = try await fixture.exchange(method, path, as: token)
            #expect(response.status == status)
            #expect(response.text == "{\"verdict\":\"BLOCK\"}")
            #expect(response.field("X-Request-Id") != nil && response.field("X-Content-Type-Options") == "nosniff")
            if let field { #expect(response.field(field) == value) }
            let calls = fixture.envelope.calls.withLock { $0 }
            #expect(calls.count == 1 && calls[0].path == path && calls[0].requestID == response.field("X-Request-Id"))
            let lines = try await fixture.logLines()
            #expect(lines.count == 1 && lines[0]["status"] as? Int == status)
            #expect(!"\(lines)".contains("/v1/nothing"), "a raw path is not logged")
        }
    }

    @Test("a handler's error is in the log and not in the answer")
    func cause() async throws {
        try await withResponder(Self.routes) { fixture in
            let response = try await fixture.get("/v1/broken")
            #expect(!response.text.contains("gone"))
            let line = try #require(try await fixture.logLines().first)
            #expect(line["cause"] as? String == "table \"x\" is gone" && line["level"] as? String == "error")
        }
    }

    @Test("bytes that are no request get the envelope's answer too")
    func fault() async throws {
        try await withResponder(Self.routes) { fixture in
            let address = fixture.address
            let response = try await TestLoops.run {
                let client = try await TestClient.connect(to: address)
                defer { client.close() }
                try await client.send(Array("GET /v1/notes/1 HTTP/1.1\r\nHost: a\r\nbad field\r\n\r\n".utf8))
                return try await client.receive()
            }
            #expect(response.status == 400 && response.closes)
            #expect(response.text == "{\"verdict\":\"BLOCK\"}")
            let call = try #require(fixture.envelope.calls.withLock { $0.first })
            guard case .fault = call.failure else { return #expect(Bool(false), "\(call.failure)") }
            #expect(call.path == "/v1/notes/1")
            #expect(try await fixture.logLines().count == 1)
        }
    }

    @Test("a client without a credential is answered before it sends its body")
    func beforeBody() async throws {
        try await withResponder(Self.routes) { fixture in
            let address = fixture.address
            let response = try await TestLoops.run {
                let client = try await TestClient.connect(to: address)
                defer { client.close() }
                // The body never comes; 100 Continue must not either.
                try await client.send(
                    Array("POST /v1/notes HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 1000000\r\n\r\n".utf8))
                return try await client.receive(keepInterim: true)
            }
            #expect(response.status == 401)
        }
    }

    @Test("HEAD and OPTIONS are answered from the table")
    func headAndOptions() async throws {
        try await withResponder(Self.routes) { fixture in
            let head = try await fixture.exchange("HEAD", "/v1/open", as: nil)
            #expect(head.status == 200 && head.body.isEmpty && head.field("Content-Length") == "4")
            let options = try await fixture.exchange("OPTIONS", "/v1/notes", as: nil)
            #expect(options.status == 204 && options.field("Allow") == "POST, OPTIONS")
            #expect(fixture.envelope.calls.withLock { $0.isEmpty })
            let streamed = try await fixture.exchange("HEAD", "/v1/stream", as: nil)
            #expect(streamed.status == 200)
            #expect(try await fixture.logLines().count == 3)
            #expect(fixture.exposition.contains("trivet_http_requests_in_flight 0"))
        }
    }

    @Test("an authenticated route takes a client of any role")
    func anyRole() async throws {
        try await withResponder(Self.routes) { (fixture) async throws in
            #expect(try await fixture.get("/v1/any", as: "stranger").status == 200)
            #expect(try await fixture.get("/v1/any", as: nil).status == 401)
        }
    }

    @Test("a streamed answer is counted and logged when it has ended")
    func streamed() async throws {
        try await withResponder(Self.routes) { fixture in
            #expect(try await fixture.get("/v1/stream").text == "abcde")
            let lines = try await fixture.logLines()
            #expect(lines.count == 1 && lines[0]["bytes"] as? Int == 5)
        }
    }

    @Test("a client that leaves cancels the handler but not the envelope")
    func clientLeaves() async throws {
        let (begun, hasBegun) = AsyncStream<Void>.makeStream()
        let wait = R(.get, "/v1/wait", "wait", access: .open, statuses: [200]) { _, _ in
            hasBegun.yield()
            try await Loop.current?.sleep(for: .seconds(600))
            return Response(.ok)
        }
        try await withResponder([wait]) { fixture in
            let address = fixture.address
            try await TestLoops.run {
                let client = try await TestClient.connect(to: address)
                try await client.send(TestClient.encode("GET", "/v1/wait"))
                for await _ in begun { break }
                client.close()
            }
            await fixture.envelope.awaitCall()
            let call = try #require(fixture.envelope.calls.withLock { $0.first })
            guard case .handler(let error) = call.failure else { return #expect(Bool(false), "\(call.failure)") }
            #expect(error is CancellationError)
            #expect(!call.wasCancelled)
        }
    }

    @Test("requests of one connection do not see each other")
    func reusedContext() async throws {
        try await withResponder(Self.routes) { fixture in
            let address = fixture.address
            let (first, second) = try await TestLoops.run {
                let client = try await TestClient.connect(to: address)
                defer { client.close() }
                let first = try await client.exchange("GET", "/v1/notes/1", fields: ["Authorization": "Bearer reader", "X-Request-Id": "mine"])
                return (first, try await client.exchange("GET", "/v1/broken"))
            }
            #expect(first.status == 200 && second.status == 500)
            #expect(first.field("X-Request-Id") != second.field("X-Request-Id"))
            let call = try #require(fixture.envelope.calls.withLock { $0.first })
            #expect(call.client == nil)
            let lines = try await fixture.logLines()
            #expect(lines.count == 2 && lines[1]["client"] == nil && lines[1]["note"] == nil)
        }
    }

    @Test("the client's request id is used only where the service accepts it")
    func requestID() async throws {
        try await withResponder(Self.routes) { (fixture) async throws in
            #expect(try await fixture.get("/v1/open", fields: ["X-Request-Id": "mine"]).field("X-Request-Id") != "mine")
        }
        var options = ResponderOptions()
        options.acceptsClientRequestID = true
        try await withResponder(Self.routes, options: options) { (fixture) async throws in
            #expect(try await fixture.get("/v1/open", fields: ["X-Request-Id": "mine"]).field("X-Request-Id") == "mine")
            #expect(try await fixture.get("/v1/open", fields: ["X-Request-Id": "a b"]).field("X-Request-Id")?.count == 36)
            let long = String(repeating: "x", count: 129)
            #expect(try await fixture.get("/v1/open", fields: ["X-Request-Id": long]).field("X-Request-Id")?.count == 36)
        }
    }

    @Test("a table describes itself for a contract test")
    func description() {
        #expect(
            Self.routes[1].description
                == RouteDescription(
                    method: "POST", pattern: "/v1/notes", operationID: "addNote", security: .permission("write"), statuses: [201]))
        #expect(Self.routes[2].description.security == .open)
    }
}
