import Encoding
import EventLoop
import Glibc
import ServiceKit
import TestSupport
import Testing

@testable import DeploymentControl

/// Every line of the table for starts (reference 7.7), over loopback.
@Suite struct GateEngineStartTests {
    @Test("a start names the execution and links to the page where people see it")
    func started() async throws {
        let bench = try await EngineBench.start()
        let execution = try #require(try await bench.start().execution)
        #expect(try await bench.double.executions().first?["id"]?.string == execution.id)
        #expect(execution.url == "https://deck.example/#/applications/demo/executions/details/\(execution.id)")
        let plain = try EngineBench.engine(bench.double.url)
        let second = try #require(try await plain.startOnLoop(EngineBench.order(2)).execution)
        #expect(second.url == "\(bench.double.url)/pipelines/\(second.id)")
    }

    @Test("a start carries what the reference lists, and no secret among the parameters")
    func request() async throws {
        let bench = try await EngineBench.start(token: "t0p-secret", header: "X-Proxy-Key: pr0xy")
        let call = EngineCall(requestID: "req-42", traceparent: "00-ab-cd-01", user: "ci-1")
        let order = EngineBench.order(5, parameters: [("service", "demo-service"), ("version", "1.0.0"), ("note", "a\"b\\c\u{e9}")])
        #expect(try await bench.engine.startOnLoop(order, call).execution != nil)
        let request = try #require(try await bench.double.requests("start").first)
        #expect(request["method"]?.string == "POST" && request["target"]?.string == "/pipelines/demo/deploy-demo-service")
        let headers = try #require(request["headers"])
        #expect(headers["Content-Type"]?.string == "application/json" && headers["Accept"]?.string == "application/json")
        #expect(headers["X-SPINNAKER-USER"]?.string == "ci-1" && headers["X-Request-Id"]?.string == "req-42")
        #expect(headers["traceparent"]?.string == "00-ab-cd-01")
        #expect(headers["Authorization"]?.string == "Bearer t0p-secret" && headers["X-Proxy-Key"]?.string == "pr0xy")
        let body = try #require(request["body"])
        #expect(body["type"] == "manual" && body["user"] == "ci-1" && body["idempotencyKey"] == "key-5")
        #expect(body["correlationId"]?.string == order.correlationID.description)
        #expect(body["parameters"] == ["service": "demo-service", "version": "1.0.0", "note": "a\"b\\c\u{e9}"])
    }

    @Test("names are percent-encoded, so that none can reach another address")
    func encodedNames() async throws {
        let bench = try await EngineBench.start()
        let (application, pipeline) = ("de mo/../x", "roll out?x=1#é%2F")
        try await bench.double.pipeline(#"{"application": "\#(application)", "name": "\#(pipeline)"}"#)
        let execution = try #require(
            try await bench.start(EngineBench.order(application: application, pipeline: pipeline)).execution)
        #expect(execution.url.contains("/applications/de%20mo%2F..%2Fx/executions/"))
        let found = try await bench.find(application: application)
        #expect(found == .found(execution))
    }

    @Test("a start with the id of a running execution brings that execution, not another")
    func sameCorrelation() async throws {
        let bench = try await EngineBench.start()
        let first = try await bench.start()
        #expect(first.execution != nil)
        #expect(try await bench.start() == first)
        #expect(try await bench.double.startedCount() == 1)
    }

    @Test("no connection: certainly not started")
    func refusedConnection() async throws {
        let port = try ServiceUnderTest.freePort()
        #expect(try await EngineBench.engine("http://127.0.0.1:\(port)").startOnLoop(EngineBench.order()) == .notStarted(.unavailable))
    }

    @Test("a name that does not exist: certainly not started")
    func unknownHost() async throws {
        #expect(try await EngineBench.engine("http://no-such-host.invalid").startOnLoop(EngineBench.order()) == .notStarted(.unavailable))
    }

    @Test("no TLS where TLS is asked for: certainly not started")
    func noTLS() async throws {
        let bench = try await EngineBench.start()
        let engine = try EngineBench.engine("https://\(bench.double.address)")
        #expect(try await engine.startOnLoop(EngineBench.order()) == .notStarted(.unavailable))
        #expect(try await bench.double.startedCount() == 0)
    }

    @Test("no answer to the connection itself: certainly not started")
    func silentListener() async throws {
        let listener = try Acceptor.bind(try SocketAddress(parsing: "127.0.0.1:0"), reusePort: false, backlog: 16)
        defer { close(listener) }
        let address = try #require(SocketAddress.local(of: listener))
        // The handshake of TLS meets silence, so not a byte of the request leaves.
        let engine = try EngineBench.engine("https://\(address)", startTimeout: .milliseconds(300))
        #expect(try await engine.startOnLoop(EngineBench.order()) == .notStarted(.unavailable))
    }

    @Test(
        "an answer with a status that is no success says what is known",
        arguments: [
            (400, StartOutcome.notStarted(.refused(status: 400))), (404, .notStarted(.refused(status: 404))),
            (409, .notStarted(.refused(status: 409))), (422, .notStarted(.refused(status: 422))),
            (401, .notStarted(.unauthorized)), (403, .notStarted(.unauthorized)), (429, .notStarted(.unavailable)),
            (301, .notStarted(.misconfigured)), (307, .notStarted(.misconfigured)), (408, .unclear(.noAnswer)),
            (500, .unclear(.serverError(status: 500))), (502, .unclear(.serverError(status: 502))),
            (503, .unclear(.serverError(status: 503))), (504, .unclear(.serverError(status: 504))),
        ])
    func status(code: Int, outcome: StartOutcome) async throws {
        let bench = try await EngineBench.start()
        try await bench.double.fault("start", "status", #""status": \#(code)"#)
        #expect(try await bench.start() == outcome)
        #expect(try await bench.double.requests("start").count == 1, "a start is never repeated")
    }

    @Test("a pipeline that does not exist, lacks a parameter or is disabled: certainly not started")
    func refusals() async throws {
        let bench = try await EngineBench.start()
        try await bench.double.pipeline(#"{"application": "demo", "name": "off", "disabled": true}"#)
        #expect(try await bench.start(EngineBench.order(pipeline: "nowhere")) == .notStarted(.refused(status: 404)))
        #expect(try await bench.start(EngineBench.order(pipeline: "off")) == .notStarted(.refused(status: 400)))
        #expect(try await bench.start(EngineBench.order(parameters: [])) == .notStarted(.refused(status: 400)))
        #expect(try await bench.double.startedCount() == 0)
    }

    @Test("a redirect to a login page is not followed")
    func redirect() async throws {
        let bench = try await EngineBench.start()
        try await bench.double.fault("start", "redirect", #""location": "\#(bench.double.url)/login""#)
        #expect(try await bench.start() == .notStarted(.misconfigured))
        #expect(try await bench.double.requests("other").isEmpty)
    }

    @Test(
        "an answer of success without a usable id is unclear, though an execution was started",
        arguments: [
            ("no_id", ""), ("empty", ""), ("html", ""), ("body", #""text": "[]", "status": 202"#),
            ("body", #""text": "{\"ref\":\"/pipelines/\"}", "status": 202"#),
            ("body", #""text": "{\"ref\":\"/pipelines/a b\"}", "status": 202"#),
            ("body", #""text": "{\"ref\":42}", "status": 202"#),
            ("body", #""text": "not json", "status": 202"#),
        ])
    func withoutID(kind: String, fields: String) async throws {
        let bench = try await EngineBench.start()
        try await bench.double.fault("start", kind, fields)
        #expect(try await bench.start() == .unclear(.noExecutionID))
        #expect(try await bench.double.startedCount() == 1)
        // What was started can be found.
        #expect(try await bench.find() != .notFound)
    }

    @Test("an answer beyond the limit is unclear")
    func largeAnswer() async throws {
        let bench = try await EngineBench.start()
        try await bench.double.fault("start", "large", #""bytes": 1000000"#)
        #expect(try await bench.start() == .unclear(.noAnswer))
    }

    @Test("a connection that breaks after the request is unclear", arguments: ["drop", "reset", "short", "garbage"])
    func broken(kind: String) async throws {
        let bench = try await EngineBench.start()
        try await bench.double.fault("start", kind)
        #expect(try await bench.start() == .unclear(.noAnswer))
        let state = try await bench.double.overview()
        #expect(state["started"]?.int == 1 && state["counts"]?["start"]?.int == 1, "a start is never repeated")
        guard case .found(let execution) = try await bench.find() else { Issue.record("not found"); return }
        #expect(state["executions"]?.array?.first?["id"]?.string == execution.id)
    }

    @Test("a connection that breaks although nothing was started is as unclear")
    func brokenBefore() async throws {
        let bench = try await EngineBench.start()
        try await bench.double.fault("start", "drop", #""execute": false"#)
        #expect(try await bench.start() == .unclear(.noAnswer))
        #expect(try await bench.find() == .notFound)
    }

    @Test("an error after the start was carried out is unclear, and the execution can be found")
    func errorAfterAccepting() async throws {
        let bench = try await EngineBench.start()
        try await bench.double.fault("start", "status", #""status": 500, "execute": true"#)
        #expect(try await bench.start() == .unclear(.serverError(status: 500)))
        guard case .found = try await bench.find() else { Issue.record("not found"); return }
    }

    @Test("no answer in time is unclear")
    func slow() async throws {
        let bench = try await EngineBench.start(startTimeout: .milliseconds(500))
        try await bench.double.fault("start", "hold")
        #expect(try await bench.start() == .unclear(.noAnswer))
        #expect(try await bench.double.startedCount() == 1)
    }

    @Test("a start is awaited though its caller has gone")
    func cancelledCaller() async throws {
        let bench = try await EngineBench.start()
        try await bench.double.fault("start", "hold")
        let task = Task { try await bench.start() }
        try await bench.double.awaitRequests("start")
        task.cancel()
        try await bench.double.release()
        #expect(try await task.value.execution != nil)
    }

    @Test("a caller that has gone before sends nothing")
    func cancelledBefore() async throws {
        let bench = try await EngineBench.start()
        let engine = bench.engine
        let task = Task {
            try await TestLoops.run {
                // Here, and not before the hop: a cancellation that still follows the call to its loop comes too late to be "before".
                while !Task.isCancelled { await Task.yield() }
                return await engine.start(EngineBench.order(), EngineBench.call)
            }
        }
        task.cancel()
        let outcome = await task.result
        if case .success(let outcome) = outcome { #expect(outcome == .notStarted(.unavailable)) }
        #expect(try await bench.double.startedCount() == 0)
    }

    @Test("a missing header of a proxy is an authorisation that fails")
    func requiredHeader() async throws {
        let bench = try await EngineBench.start(["--require-header", "X-Proxy-Key: pr0xy"])
        #expect(try await bench.start() == .notStarted(.unauthorized))
        let allowed = try EngineBench.engine(bench.double.url, header: "X-Proxy-Key: pr0xy")
        #expect(try await allowed.startOnLoop(EngineBench.order()).execution != nil)
    }

    @Test("a path before the engine's own addresses is kept")
    func basePath() throws {
        let address = try #require(GateAddress("https://front.example:8443/gate/"))
        #expect(address.text(["pipelines", "a/b"]) == "https://front.example:8443/gate/pipelines/a%2Fb")
        #expect(try #require(GateAddress("http://h")).text(["health"]) == "http://h/health")
        for text in ["ftp://h", "http://u:p@h", "http://h/?a=b", "http://h/#x", "h", ""] {
            #expect(GateAddress(text) == nil, "\(text)")
        }
    }

    @Test("a header of the configuration may not replace one that the service sets")
    func headerSyntax() {
        #expect(GateHeader("X-Key: a: b").map { $0.name == "X-Key" && $0.value.reveal() == "a: b" } == true)
        for text in ["", "X-Key", "X-Key:", ": a", "X Key: a", "Host: a", "x-spinnaker-user: a", "X-Key: a\u{1}"] {
            #expect(GateHeader(text) == nil, "\(text)")
        }
    }
}
