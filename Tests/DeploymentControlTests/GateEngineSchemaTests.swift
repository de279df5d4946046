import DeploymentControlDomain
import Encoding
import TestSupport
import Testing

@testable import DeploymentControl

/// What is taken out of the engine's execution object, and that nothing in it can do harm.
@Suite struct GateEngineSchemaTests {
    private static let whole = #"""
        {"id": "e", "status": "terminal", "canceled": true, "canceledBy": "ops", "cancellationReason": "why", "endTime": 1769200000500,
         "stages": [{"id": "s", "refId": "1", "type": "pipeline", "name": "n", "status": "TERMINAL", "startTime": 1, "endTime": 1769200000000,
           "parentStageId": "p", "outputs": {"failureMessage": "six"},
           "context": {"error": "CODE3", "executionId": "child", "judgmentStatus": "stop",
             "webhook": {"statusCode": "503 SERVICE_UNAVAILABLE", "statusCodeValue": 409, "error": "seven", "body": {"error": "CODE1", "code": "CODE2"}},
             "expressionEvaluationSummary": {"x": [{"description": "bad x", "level": "ERROR"}], "y": {"description": "bad y"}},
             "kato.tasks": [{"status": {"failed": true}, "exception": {"message": "three"}}, {"status": {"failed": true}, "history": ["a", "four"]},
               {"status": {"failed": true}, "resultObjects": [{"type": "EXCEPTION", "message": "five"}]}, {"status": {"failed": false}, "history": ["no"]}],
             "exception": {"exceptionType": "T", "details": {"errors": ["one", "two"], "error": "eight", "status": 500, "kind": "HTTP",
               "responseBody": "{\"error\":\"CODE4\"}"}}},
           "tasks": [{"name": "waitForUpInstances", "status": "TERMINAL"}, {"name": "fine", "status": "SUCCEEDED"}]}]}
        """#

    @Test("every place that the reference lists is read, the best source first")
    func places() throws {
        let execution = try JSONReader.parse(Self.whole)
        let report = ExecutionReader.report(of: execution)
        #expect(report.status == .failed && report.isCanceled && report.canceledBy == "ops" && report.cancellationReason == "why")
        #expect(report.endedAt == 1_769_200_000_500_000)
        let stage = try #require(report.stages.first)
        #expect(stage.id == "s" && stage.parentID == "p" && stage.type == "pipeline" && stage.status == "TERMINAL")
        #expect(stage.endedAt == 1_769_200_000_000_000 && stage.failedTasks == ["waitForUpInstances"])
        #expect(stage.errorCodes == ["CODE1", "CODE2", "CODE3", "CODE4"] && stage.httpStatuses == [409, 503, 500])
        #expect(stage.judgment == "stop" && stage.exceptionKind == "HTTP" && stage.exceptionType == "T")
        #expect(stage.expressionErrors == ["bad x", "bad y"])
        #expect(stage.texts == ["one", "two", "three", "four", "five", "six", "seven", "eight", "CODE3"])
        #expect(ExecutionReader.childIDs(of: execution).map(\.executionID) == ["child"])
    }

    @Test("an execution of any shape is read without harm", arguments: 0..<300)
    func anyShape(seed: UInt64) throws {
        var random = SeededRandom(seed)
        var execution = try JSONReader.parse(Self.whole)
        for _ in 0..<Int.random(in: 1...6, using: &random) { Self.spoil(&execution, &random) }
        let report = ExecutionReader.report(of: execution)
        _ = ExecutionReader.childIDs(of: execution)
        #expect((1...20).contains(FailureReader.findings(of: report).count), "seed \(seed)")
    }

    /// Puts something unexpected in place of one value somewhere in the tree.
    private static func spoil(_ value: inout JSONValue, _ random: inout SeededRandom) {
        switch value {
        case .object(var object) where !object.isEmpty && Int.random(in: 0..<6, using: &random) > 0:
            guard let key = object.keys.randomElement(using: &random), var member = object[key] else { return }
            spoil(&member, &random)
            object[key] = member
            value = .object(object)
        case .array(var array) where !array.isEmpty && Int.random(in: 0..<6, using: &random) > 0:
            let index = array.indices.randomElement(using: &random) ?? 0
            spoil(&array[index], &random)
            value = .array(array)
        default:
            let others: [JSONValue] = [
                nil, true, -1, 9_223_372_036_854_775_807, "", "TERMINAL", "\u{0}\u{2028}", [], [nil, 1, "x", [:]], [:], ["error": ["error": "x"]],
            ]
            value = others.randomElement(using: &random) ?? nil
        }
    }

    @Test("an id in a start's answer is taken from the first place that holds a usable one")
    func executionID() {
        func id(_ text: String) -> String? { GateAnswers.executionID(inStartAnswer: Array(text.utf8)) }
        #expect(id(#"{"executionId":"a","id":"b","ref":"/pipelines/c"}"#) == "a")
        #expect(id(#"{"id":"b","ref":"/pipelines/c"}"#) == "b")
        #expect(id(#"{"ref":"/pipelines/c","resource":"/d"}"#) == "c")
        #expect(id(#"{"resource":"https://h/pipelines/d?x=1"}"#) == "d")
        #expect(id(#"{"url":"https://h/pipelines/e#f"}"#) == "e")
        #expect(id(#"{"executionId":"../x","ref":"/pipelines/c"}"#) == "c")
        #expect(id(#"{"ref":"/pipelines/\#(String(repeating: "a", count: 128))"}"#)?.count == 128)
        for text in [
            #"{"ref":"/pipelines/\#(String(repeating: "a", count: 129))"}"#, #"{"ref":"/pipelines/"}"#, #"{"ref":""}"#, #"{"id":""}"#,
            #"{"id":7}"#, #"["a"]"#, #""a""#, "", "{",
        ] { #expect(id(text) == nil, "\(text)") }
    }

    @Test("the double serves what the reference asks of it")
    func double() async throws {
        let double = try await GateDouble.start()
        func get(_ path: String, _ fields: [String: String] = [:]) async throws -> TestResponse {
            try await TestClient.exchange(double.address, "GET", path, fields: fields)
        }
        let health = try await get("/health", ["X-SPINNAKER-REQUEST-ID": "given"])
        #expect(health.status == 200 && health.text == #"{"status": "UP"}"# && health.field("x-spinnaker-request-id") == "given")
        #expect(try await get("/health").field("x-spinnaker-request-id")?.isEmpty == false)
        #expect(try JSONReader.parse(try await get("/applications?expand=true").body) == [["name": "demo"]])
        let pipelines = try JSONReader.parse(try await get("/applications/demo/pipelineConfigs").body)
        #expect(pipelines.array?.compactMap { $0["name"]?.string } == ["deploy-demo-service", "rollback-demo-service"])
        let unknown = try await get("/pipelines/01J")
        let error = try JSONReader.parse(unknown.body)
        #expect(unknown.status == 404 && error["status"]?.int == 404 && error["error"] == "Not Found" && error["message"] != nil)
        try await double.add(#"{"id": "a", "status": "RUNNING"}"#)
        let batch = try JSONReader.parse(try await get("/executions?executionIds=a,b").body)
        #expect(batch.array?.compactMap { $0["id"]?.string } == ["a"])
    }
}
