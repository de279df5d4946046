import DeploymentControlDomain
import Encoding
import TestSupport
import Testing

@testable import DeploymentControl

/// Reading executions and searching for them, over loopback (reference 7.5 to 7.7).
@Suite struct GateEngineReadTests {
    @Test("a running execution is running, whatever the engine calls it", arguments: ["RUNNING", "PAUSED", "not_started", "BUFFERED"])
    func running(status: String) async throws {
        let bench = try await EngineBench.start()
        let id = try await bench.started()
        try await bench.double.change(id, #"{"status": "\#(status)"}"#)
        #expect(try await bench.look(id) == .seen(.running))
    }

    @Test("an execution that moves by script is seen to end")
    func script() async throws {
        let bench = try await EngineBench.start()
        try await bench.double.script(#"[[0, "RUNNING"], [0, "SUCCEEDED"]]"#)
        #expect(try await bench.look(try await bench.started()) == .seen(.succeeded))
    }

    @Test("a status that nobody knows changes nothing")
    func unrecognised() async throws {
        let bench = try await EngineBench.start()
        let id = try await bench.started()
        try await bench.double.change(id, #"{"status": "DREAMING"}"#)
        #expect(try await bench.look(id) == .seen(.unrecognised("DREAMING")))
        try await bench.double.fault("read", "body", #""text": "{}""#)
        #expect(try await bench.look(id) == .seen(.unrecognised("")))
        try await bench.double.fault("read", "body", #""text": "{\"state\":\"succeeded\"}""#)
        #expect(try await bench.look(id) == .seen(.succeeded))
    }

    @Test("an execution that the engine does not know is missing")
    func missing() async throws {
        let bench = try await EngineBench.start()
        let id = try await bench.started()
        try await bench.double.forget(id)
        #expect(try await bench.look(id) == .missing)
    }

    @Test(
        "an answer that is no execution teaches nothing",
        arguments: [
            ("empty", ""), ("html", ""), ("redirect", ""), ("drop", ""), ("reset", ""), ("short", ""), ("garbage", ""),
            ("status", #""status": 500"#), ("status", #""status": 401"#), ("status", #""status": 403"#),
            ("status", #""status": 429"#), ("status", #""status": 400"#), ("body", #""text": "[]""#),
            ("body", #""text": "null""#), ("body", #""text": "{\"status\":\"TERMINAL\"""#),
            ("body", #""text": "{\"id\":\"another\",\"status\":\"TERMINAL\"}""#),
        ])
    func nothingLearned(kind: String, fields: String) async throws {
        let bench = try await EngineBench.start()
        let id = try await bench.started()
        try await bench.double.fault("read", kind, fields + (fields.isEmpty ? "" : ", ") + #""times": 0"#)
        guard case .noAnswer(let reason) = try await bench.look(id) else { Issue.record("\(kind)"); return }
        #expect(!reason.isEmpty)
        #expect(try await bench.double.requests("other").isEmpty, "a redirect is not followed")
        try await bench.double.clearFaults()
        #expect(try await bench.look(id) == .seen(.running))
    }

    @Test("an execution that is too large to be read whole is read without its contexts")
    func tooLarge() async throws {
        let bench = try await EngineBench.start()
        let id = try await bench.started()
        try await bench.double.change(id, #"{"status": "TERMINAL", "stage": {"context": {"webhook": {"statusCodeValue": 403}}}}"#)
        try await bench.double.fault("read", "large", #""bytes": 9000000"#)
        #expect(try await bench.look(id) == .seen(.failed([FailureCause.unknown.finding(observedAt: try await endOfStage(bench))])))
        let target = try await bench.double.requests("batch").first?["target"]?.string
        #expect(target == "/executions?executionIds=\(id)&expand=false")
    }

    private func endOfStage(_ bench: EngineBench) async throws -> Int64? {
        try await bench.double.executions().first?["stages"]?.array?.first?["endTime"]?.number?.int64.map { $0 * 1000 }
    }

    @Test("a read without an answer in time teaches nothing")
    func slow() async throws {
        let bench = try await EngineBench.start(readTimeout: .milliseconds(300))
        let id = try await bench.started()
        try await bench.double.fault("read", "hold")
        guard case .noAnswer = try await bench.look(id) else { Issue.record("an answer"); return }
    }

    @Test("an engine that is not there teaches nothing")
    func down() async throws {
        let engine = try EngineBench.engine("http://127.0.0.1:\(try ServiceUnderTest.freePort())")
        let outcome = try await TestLoops.run { await engine.look(at: "01J", EngineBench.call) }
        guard case .noAnswer = outcome else { Issue.record("\(outcome)"); return }
        let found = try await TestLoops.run {
            await engine.find(
                correlationID: EngineBench.order().correlationID, application: "demo", notBefore: .now(), EngineBench.call)
        }
        guard case .noAnswer = found else { Issue.record("\(found)"); return }
    }

    @Test("a failed execution tells the runtime's own code, not the phrase around it")
    func webhookFailure() async throws {
        let bench = try await EngineBench.start()
        let id = try await bench.started()
        try await bench.double.change(
            id,
            #"""
            {"status": "TERMINAL", "stage": {"status": "TERMINAL", "endTime": 1769200000500, "context": {
              "webhook": {"statusCode": "CONFLICT", "statusCodeValue": 409, "body": {"error": "NO_PREVIOUS_ARTIFACT"}},
              "exception": {"details": {"errors": ["Error submitting webhook for pipeline X to http://r/ with status code 409."]}}
            }}}
            """#)
        let expected = FailureCause.nothingToRestore
        guard case .seen(.failed(let findings)) = try await bench.look(id) else { Issue.record("not failed"); return }
        #expect(findings.map(\.summary) == [expected.summary] && findings.first?.category == .config)
        #expect(findings.first?.observedAt == 1_769_200_000_500_000)
    }

    @Test("a failure of a task within a stage is read")
    func taskFailure() async throws {
        let bench = try await EngineBench.start()
        let id = try await bench.started()
        try await bench.double.change(
            id,
            #"""
            {"status": "TERMINAL", "stage": {"type": "deploy", "status": "TERMINAL", "context": {"kato.tasks": [
              {"status": {"failed": false}, "history": ["fine"]},
              {"status": {"failed": true}, "history": ["not shown"], "exception": {"message": "User is not allowed: access denied"}}
            ]}}}
            """#)
        guard case .seen(.failed(let findings)) = try await bench.look(id) else { Issue.record("not failed"); return }
        #expect(findings.map(\.category) == [.policy])
        #expect(findings.first?.detail == "User is not allowed: access denied")
    }

    @Test("the failure of a child pipeline is read out of the child, and of its child")
    func children() async throws {
        let bench = try await EngineBench.start()
        let id = try await bench.started()
        let grandchild = try await bench.double.add(
            #"{"status": "TERMINAL", "stages": [{"id": "g", "type": "deploy", "status": "TERMINAL", "context": {}, "tasks": [{"name": "waitForUpInstances", "status": "TERMINAL"}]}]}"#)
        let child = try await bench.double.add(
            #"{"status": "TERMINAL", "stages": [{"id": "c", "type": "pipeline", "status": "TERMINAL", "context": {"executionId": "\#(grandchild)"}}]}"#)
        try await bench.double.change(
            id,
            #"""
            {"status": "TERMINAL", "stage": {"type": "pipeline", "status": "TERMINAL", "context": {"executionId": "\#(child)",
              "exception": {"details": {"errors": ["Exception in child pipeline stage (artifact: timeout): it broke"]}}}}}
            """#)
        guard case .seen(.failed(let findings)) = try await bench.look(id) else { Issue.record("not failed"); return }
        #expect(findings.map(\.summary) == [FailureCause.neverHealthy.summary])
        #expect(try await bench.double.requests("read").count == 3)

        // A child that cannot be read leaves its parent's words, without the names of pipelines and stages in them.
        try await bench.double.forget(child)
        guard case .seen(.failed(let alone)) = try await bench.look(id) else { Issue.record("not failed"); return }
        #expect(alone.map(\.category) == [.unknown] && alone.first?.detail == "it broke")
    }

    @Test("child pipelines that go round in a circle end")
    func circle() async throws {
        let bench = try await EngineBench.start()
        let stage = { (child: String) in
            #"[{"id": "s", "type": "pipeline", "status": "TERMINAL", "context": {"executionId": "\#(child)"}}]"#
        }
        for (id, child) in [("a", "b"), ("b", "c"), ("c", "a")] {
            try await bench.double.add(#"{"id": "\#(id)", "status": "TERMINAL", "stages": \#(stage(child))}"#)
        }
        guard case .seen(.failed(let findings)) = try await bench.look("a") else { Issue.record("not failed"); return }
        #expect(findings == [FailureCause.unknown.finding()])
        #expect(try await bench.double.requests("read").count <= 1 + GateEngine.childrenMax)
    }

    @Test("a cancelled execution says that it was cancelled")
    func canceled() async throws {
        let bench = try await EngineBench.start()
        let id = try await bench.started()
        let response = try await TestClient.exchange(
            bench.double.address, "PUT", "/pipelines/\(id)/cancel?reason=wrong%20version", fields: ["X-SPINNAKER-USER": "ops"])
        #expect(response.status == 200)
        guard case .seen(.failed(let findings)) = try await bench.look(id) else { Issue.record("not failed"); return }
        #expect(findings.map(\.summary) == [FailureCause.canceled.summary] && findings.first?.detail == "wrong version")
    }

    @Test("a search asks for one correlation id, since a time, and percent-encodes what it asks")
    func searchRequest() async throws {
        let bench = try await EngineBench.start()
        #expect(try await bench.find(notBefore: Timestamp(microseconds: 1_769_200_000_123_456)) == .notFound)
        let target = try #require(try await bench.double.requests("search").first?["target"]?.string)
        #expect(target.hasPrefix("/applications/demo/executions/search?triggerTypes=manual&trigger="))
        #expect(target.contains("&triggerTimeStartBoundary=1769200000123") && target.contains("%3D"))
    }

    @Test("a search finds its own execution, also after it has ended, and no other")
    func search() async throws {
        let bench = try await EngineBench.start()
        let first = try #require(try await bench.start(1).execution)
        let second = try #require(try await bench.start(2).execution)
        try await bench.double.change(first.id, #"{"status": "SUCCEEDED"}"#)
        #expect(try await bench.find(1) == .found(first))
        #expect(try await bench.find(2) == .found(second))
        #expect(try await bench.find(3) == .notFound)
        #expect(try await bench.find(1, notBefore: .now() + .seconds(60)) == .notFound)
    }

    @Test("an engine that does not filter lends nobody another's execution")
    func unfiltered() async throws {
        let bench = try await EngineBench.start()
        let other = #"{\"id\":\"01J\",\"trigger\":{\"correlationId\":\"00000000-0000-0000-0000-000000000009\"}}"#
        try await bench.double.fault("search", "body", #""text": "[\#(other)]""#)
        #expect(try await bench.find() == .notFound)
        let full = Array(repeating: other, count: GateRequests.searchSize).joined(separator: ",")
        try await bench.double.fault("search", "body", #""text": "[\#(full)]""#)
        guard case .noAnswer = try await bench.find() else { Issue.record("not clean"); return }
    }

    @Test(
        "a search without a clean answer teaches nothing",
        arguments: [
            ("empty", ""), ("html", ""), ("redirect", ""), ("drop", ""), ("status", #""status": 500"#),
            ("status", #""status": 404"#), ("status", #""status": 403"#), ("body", #""text": "{}""#),
        ])
    func unclearSearch(kind: String, fields: String) async throws {
        let bench = try await EngineBench.start()
        try await bench.double.fault("search", kind, fields + (fields.isEmpty ? "" : ", ") + #""times": 0"#)
        guard case .noAnswer = try await bench.find() else { Issue.record("\(kind)"); return }
    }

    @Test("an engine that is gone for a while is reached again")
    func comesBack() async throws {
        let bench = try await EngineBench.start()
        let id = try await bench.started()
        #expect(try await bench.look(id) == .seen(.running))
        try await bench.double.refuseConnections(milliseconds: 50)
        var outcome = try await bench.look(id)
        while case .noAnswer = outcome { outcome = try await bench.look(id) }
        #expect(outcome == .seen(.running))
    }
}
