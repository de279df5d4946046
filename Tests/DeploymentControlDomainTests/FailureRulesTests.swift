import DeploymentControlDomain
import Testing

/// Rules 1 to 19 of reference 7.6, line by line.
@Suite struct FailureRulesTests {
    private func stage(
        type: String = "webhook", codes: [String] = [], http: [Int] = [], tasks: [String] = [], judgment: String? = nil,
        kind: String? = nil, exception: String? = nil, expressions: [String] = [], texts: [String] = []
    ) -> StageReport {
        StageReport(
            id: "s", type: type, status: "TERMINAL", failedTasks: tasks, errorCodes: codes, httpStatuses: http, judgment: judgment,
            exceptionKind: kind, exceptionType: exception, expressionErrors: expressions, texts: texts)
    }

    @Test(
        "a code of the runtime decides, whatever its case", 
        arguments: [
            ("missing_service", FailureCause.serviceUnknown, FailureCategory.config), ("UNKNOWN_SERVICE", .serviceUnknown, .config),
            ("artifact_bucket_mismatch", .buildLocation, .config), ("no_previous_artifact", .nothingToRestore, .config),
            ("invalid_previous_artifact", .nothingToRestore, .config), ("Unauthorized", .accessRefused, .policy),
            ("method_not_allowed", .misconfigured, .config), ("not_found", .deliveryUnreachable, .infra),
        ])
    func codes(code: String, cause: FailureCause, category: FailureCategory) {
        // Against a status and words that say otherwise.
        let found = FailureRules.cause(of: stage(codes: ["nonsense", code], http: [409], texts: ["timed out"]))
        #expect(found == cause && found.category == category)
    }

    @Test("a code within a sentence is no code")
    func exactCodes() {
        #expect(FailureRules.cause(of: stage(codes: ["the unauthorized one"])) == .unknown)
    }

    @Test(
        "a status of HTTP decides before words do",
        arguments: [
            (401, FailureCategory.policy), (403, .policy), (400, .config), (404, .config), (405, .config), (409, .config),
            (422, .config), (408, .infra), (429, .infra), (500, .infra), (503, .infra), (599, .infra), (418, .app), (302, .app),
        ])
    func statuses(status: Int, category: FailureCategory) {
        #expect(FailureRules.cause(of: stage(http: [status], texts: ["checksum mismatch"])).category == category)
    }

    @Test("an approval that was answered with stop is a matter of policy")
    func approval() {
        #expect(FailureRules.cause(of: stage(type: "manualJudgment", judgment: "stop")) == .approvalRefused)
        #expect(FailureRules.cause(of: stage(type: "manualJudgment", judgment: "continue")) == .unknown)
    }

    @Test("the network and time-outs are infrastructure, unless the application was waited for")
    func networkAndHealth() {
        #expect(FailureRules.cause(of: stage(kind: "NETWORK")) == .deliveryUnreachable)
        #expect(FailureRules.cause(of: stage(exception: "TimeoutException")) == .tookTooLong)
        #expect(FailureRules.cause(of: stage(tasks: ["waitForUpInstances"], exception: "TimeoutException")) == .neverHealthy)
        #expect(FailureRules.cause(of: stage(tasks: ["waitForManifestToStabilize"], texts: ["timed out"])) == .neverHealthy)
        for type in ["runJob", "script", "canary", "kayentaCanary"] {
            #expect(FailureRules.cause(of: stage(type: type, texts: ["connection refused"])).category == .app)
        }
    }

    @Test("errors of expressions, required parameters and unknown accounts are configuration")
    func configuration() {
        #expect(FailureRules.cause(of: stage(expressions: ["x is not defined"], texts: ["timed out"])) == .misconfigured)
        for text in ["Required parameter version timed out", "Unknown account prod: connection", "Credentials not found"] {
            #expect(FailureRules.cause(of: stage(texts: [text])) == .misconfigured, "\(text)")
        }
    }

    @Test(
        "words decide last, in their order",
        arguments: [
            ("The operation timed out on a connection", FailureCategory.infra), ("TIMEOUT", .infra),
            ("connection reset while reading the checksum", .infra), ("Service unavailable", .infra), ("Unknown host", .infra),
            ("Internal error", .infra), ("checksum mismatch, access denied", .app), ("No such key", .app),
            ("Unable to resolve artifact", .app), ("Access denied by configuration", .policy), ("forbidden", .policy),
            ("not allowed", .policy), ("missing permission", .policy), ("bad configuration", .config),
            ("parameter x", .config), ("was not found", .config), ("it broke", .unknown), ("", .unknown),
        ])
    func words(text: String, category: FailureCategory) {
        #expect(FailureRules.cause(of: stage(texts: [text])).category == category)
    }

    @Test(
        "what the engine puts around every text decides nothing",
        arguments: [
            "Exception in child pipeline stage (artifact (timeout): permission): it broke",
            "Exception in child pipeline stage (a: b): Exception in child pipeline stage (c: timeout): it broke",
            "Unable to trigger pipeline (application: configuration, pipelineNameOrId: timeout). Error: it broke",
            "calling https://artifact.timeout.example/connection/forbidden failed",
            "Error submitting webhook for pipeline 01ABC to http://connection/ with status code 418.",
        ])
    func boilerplate(text: String) {
        #expect(FailureRules.cause(inWordsOf: [text]) == .unknown)
    }

    @Test("every cause is worded within its limits and says what to do next")
    func wording() {
        var summaries = Set<String>()
        for cause in FailureCause.allCases {
            #expect(summaries.insert(cause.summary).inserted, "\(cause)")
            #expect(!cause.summary.isEmpty && cause.summary.unicodeScalars.count <= NormalizedFailure.summaryScalarsMax)
            #expect(!cause.actionHint.isEmpty && cause.actionHint.hasSuffix("."))
            for word in ["spinnaker", "gate", "orca", "pipeline", "stage", "webhook"] {
                #expect(!cause.summary.lowercased().contains(word) && !cause.actionHint.lowercased().contains(word), "\(cause)")
            }
            // Trying again is only suggested where it can help.
            if cause.actionHint.lowercased().contains("try again") { #expect(cause.category == .infra || cause.category == .unknown) }
        }
    }
}
