import DeploymentControlDomain
import Encoding

/// Takes an ``ExecutionReport`` out of Gate's execution object (reference 7.6). The only place that knows the schema. What has
/// another form than expected is passed over: a stage's context is whatever its stage type makes of it.
enum ExecutionReader {
    static let stagesMax = 500
    static let textsMax = 20

    static func report(of execution: JSONValue) -> ExecutionReport {
        ExecutionReport(
            status: EngineStatus(execution["status"]?.string ?? execution["state"]?.string),
            isCanceled: execution["canceled"]?.bool ?? false,
            canceledBy: execution["canceledBy"]?.string, cancellationReason: execution["cancellationReason"]?.string,
            endedAt: time(execution["endTime"]),
            texts: texts(execution, ["statusMessage", "message", "error", "exception"]),
            stages: (execution["stages"]?.array ?? []).prefix(stagesMax).filter { $0.object != nil }.map(stage))
    }

    /// Ids of the executions that a failed stage started and waited for.
    static func childIDs(of execution: JSONValue) -> [(stageID: String, executionID: String)] {
        (execution["stages"]?.array ?? []).prefix(stagesMax).compactMap { stage in
            guard stage["type"]?.string?.lowercased() == "pipeline", let status = stage["status"]?.string,
                [.failed, .canceled].contains(EngineStatus(status)) || status.uppercased() == "FAILED_CONTINUE",
                let child = stage["context"]?["executionId"]?.string, GateAnswers.isExecutionID(child),
                child != execution["id"]?.string
            else { return nil }
            return (stage["id"]?.string ?? "", child)
        }
    }

    private static func stage(_ stage: JSONValue) -> StageReport {
        let context = stage["context"]
        let exception = context?["exception"]
        let details = exception?["details"]
        let webhook = context?["webhook"]
        return StageReport(
            id: stage["id"]?.string ?? "", parentID: stage["parentStageId"]?.string, type: stage["type"]?.string ?? "",
            status: stage["status"]?.string?.uppercased() ?? "", endedAt: time(stage["endTime"]),
            failedTasks: (stage["tasks"]?.array ?? []).filter { $0["status"]?.string?.uppercased() == "TERMINAL" }
                .compactMap { $0["name"]?.string },
            errorCodes: [webhook?["body"]?["error"], webhook?["body"]?["code"], context?["error"], responseError(details)]
                .compactMap { $0?.string },
            httpStatuses: [webhook?["statusCodeValue"], webhook?["statusCode"], details?["status"]].compactMap(httpStatus)
                .filter { !(200...299).contains($0) },
            judgment: context?["judgmentStatus"]?.string, exceptionKind: details?["kind"]?.string,
            exceptionType: exception?["exceptionType"]?.string,
            expressionErrors: expressionErrors(context?["expressionEvaluationSummary"]),
            texts: stageTexts(stage, context: context))
    }

    /// The best source first.
    private static func stageTexts(_ stage: JSONValue, context: JSONValue?) -> [String] {
        let exception = context?["exception"]
        let details = exception?["details"]
        var found = texts(of: details?["errors"])
        found += taskTexts(context?["kato.tasks"])
        found += texts(of: stage["outputs"]?["failureMessage"]) + texts(of: context?["failureMessage"])
        found += texts(of: context?["webhook"]?["error"])
        found += texts(of: details?["error"]) + texts(of: exception?["message"])
        if exception?.string != nil { found += texts(of: exception) }
        found += texts(stage, ["statusMessage", "message", "error"])
        if let context { found += texts(context, ["error", "details"]) }
        var seen = Set<String>()
        return found.filter { seen.insert($0).inserted }.prefix(textsMax).map { $0 }
    }

    /// Failures of the tasks that a built-in stage handed on: the message of the exception, else the last line of the task's history.
    private static func taskTexts(_ tasks: JSONValue?) -> [String] {
        (tasks?.array ?? []).flatMap { task -> [String] in
            let exception = task["exception"]
            let message = texts(of: exception?["message"]) + texts(of: exception?["cause"])
            if !message.isEmpty { return message }
            if let text = exception?.string { return [text] }
            guard task["status"]?["failed"]?.bool == true else { return [] }
            let results = (task["resultObjects"]?.array ?? []).filter { $0["type"]?.string?.uppercased() == "EXCEPTION" }
            let told = results.flatMap { texts(of: $0["message"]) + texts(of: $0["cause"]) }
            if !told.isEmpty { return told }
            let last = task["history"]?.array?.last
            return texts(of: last?["status"]) + texts(of: last)
        }
    }

    private static func expressionErrors(_ summary: JSONValue?) -> [String] {
        (summary?.object?.members ?? []).prefix(textsMax).flatMap { member -> [String] in
            let entries = member.value.array ?? [member.value]
            return entries.prefix(textsMax).compactMap { $0["description"]?.string ?? $0.string }
        }
    }

    /// An HTTP failure's answer, where the target answered JSON.
    private static func responseError(_ details: JSONValue?) -> JSONValue? {
        guard let text = details?["responseBody"]?.string, let body = try? JSONReader.parse(text) else { return nil }
        return body["code"] ?? body["error"]
    }

    private static func texts(_ value: JSONValue, _ names: [String]) -> [String] {
        names.flatMap { texts(of: value[$0]) }
    }

    /// A text, or the texts of a list.
    private static func texts(of value: JSONValue?) -> [String] {
        let texts = value?.array?.prefix(textsMax).compactMap(\.string) ?? [value?.string].compactMap { $0 }
        return texts.filter { text in text.utf8.contains { $0 > 0x20 } }
    }

    /// A number, or a text that begins with one: `503`, `503 SERVICE_UNAVAILABLE`.
    private static func httpStatus(_ value: JSONValue?) -> Int? {
        guard let number = value?.int ?? value?.string.flatMap({ Int($0.prefix(3)) }), (100...599).contains(number) else {
            return nil
        }
        return number
    }

    /// Milliseconds since 1970 as microseconds; nil outside the years 1970 to 9999.
    private static func time(_ value: JSONValue?) -> Int64? {
        guard let milliseconds = value?.number?.int64, milliseconds > 0, milliseconds < 253_402_300_800_000 else { return nil }
        return milliseconds * 1000
    }
}
