import DeploymentControlDomain
import TestSupport
import Testing

/// Which stages speak, in which order, and what is left out (reference 7.6).
@Suite struct FailureReaderTests {
    private func stage(
        _ id: String, parent: String? = nil, status: String = "TERMINAL", at end: Int64? = nil, type: String = "webhook",
        http: [Int] = [], texts: [String] = [], children: [ExecutionReport] = []
    ) -> StageReport {
        StageReport(
            id: id, parentID: parent, type: type, status: status, endedAt: end, httpStatuses: http, texts: texts, children: children)
    }

    private func summaries(_ stages: [StageReport], status: EngineStatus = .failed) -> [String] {
        FailureReader.findings(of: ExecutionReport(status: status, stages: stages)).map(\.summary)
    }

    private func summaries(_ causes: FailureCause...) -> [String] { causes.map(\.summary) }

    @Test(
        "engine statuses mean what the table says",
        arguments: [
            ("NOT_STARTED", EngineStatus.running), ("BUFFERED", .running), ("RUNNING", .running), ("STARTED", .running),
            ("PAUSED", .running), ("SUSPENDED", .running), ("REDIRECT", .running), ("SUCCEEDED", .succeeded),
            ("succeeded", .succeeded), ("FAILED_CONTINUE", .succeeded), ("SKIPPED", .succeeded), ("TERMINAL", .failed),
            ("FAILED", .failed), ("STOPPED", .failed), ("ROLLED_BACK", .failed), ("CANCELED", .canceled),
            ("DREAMING", .unrecognised("DREAMING")), ("", .unrecognised("")),
        ])
    func statuses(text: String, status: EngineStatus) {
        #expect(EngineStatus(text) == status)
    }

    @Test("no status at all is an unknown one")
    func noStatus() { #expect(EngineStatus(nil) == .unrecognised("")) }

    @Test("leaves speak before their parents, and earlier ends before later ones")
    func order() {
        let stages = [
            stage("parent", at: 1, http: [403]), stage("late", at: 9, http: [500]), stage("early", at: 3, texts: ["checksum"]),
            stage("leaf", parent: "parent", at: 8, http: [404]),
        ]
        #expect(summaries(stages) == summaries(.buildDamaged, .misconfigured, .deliveryUnreachable, .accessRefused))
    }

    @Test("stages that went well or still run say nothing")
    func others() {
        let stages = [
            stage("a", status: "SUCCEEDED", http: [403]), stage("b", status: "RUNNING", http: [404]),
            stage("c", status: "SKIPPED", http: [404]), stage("d", http: [500]),
        ]
        #expect(summaries(stages) == summaries(.deliveryUnreachable))
    }

    @Test("a tolerated failure speaks where the execution failed")
    func tolerated() {
        #expect(summaries([stage("a", status: "FAILED_CONTINUE", http: [403])]) == summaries(.accessRefused))
    }

    @Test("a parent and a stopped neighbour are no reasons of their own")
    func noReasons() {
        let stages = [
            stage("parent"), stage("leaf", parent: "parent", http: [404]), stage("neighbour", status: "CANCELED"),
        ]
        #expect(summaries(stages) == summaries(.misconfigured))
        #expect(summaries([stage("neighbour", status: "STOPPED")]) == summaries(.unknown), "never empty")
    }

    @Test("the same reason is told once, and at most twenty are told")
    func distinct() {
        #expect(summaries((0..<50).map { stage("s\($0)", http: [500 + $0 % 4]) }) == summaries(.deliveryUnreachable))
        #expect(FailureReader.findingsMax == 20)
    }

    @Test("parents that go round in a circle end")
    func circle() {
        #expect(summaries([stage("a", parent: "b", http: [404]), stage("b", parent: "a", http: [404])]) == summaries(.misconfigured))
        #expect(summaries([stage("a", parent: "a", http: [404])]) == summaries(.misconfigured))
    }

    @Test("a cancelled execution has one reason, the cancellation")
    func canceled() {
        let report = ExecutionReport(
            status: .canceled, isCanceled: true, canceledBy: "ops", cancellationReason: "wrong version", endedAt: 5,
            stages: [stage("a", http: [403])])
        #expect(FailureReader.findings(of: report) == [FailureCause.canceled.finding(detail: "wrong version", observedAt: 5)])
    }

    @Test("a failure on start-up is a matter of configuration unless its words say otherwise")
    func startup() {
        func summary(_ reason: String) -> [String] {
            FailureReader.findings(
                of: ExecutionReport(status: .failed, isCanceled: true, canceledBy: "system", cancellationReason: reason)
            ).map(\.summary)
        }
        #expect(summary("Failed on startup: it broke") == summaries(.misconfigured))
        #expect(summary("Failed on startup: Unable to find artifact") == summaries(.buildNotFetched))
    }

    @Test("without stages the texts of the execution are read")
    func general() {
        let report = ExecutionReport(status: .failed, texts: ["", "Access denied"])
        #expect(FailureReader.findings(of: report).map(\.category) == [.policy])
        #expect(FailureReader.findings(of: ExecutionReport(status: .failed)) == [FailureCause.unknown.finding()])
    }

    @Test("each failed stage of a child pipeline has a reason of its own")
    func childTexts() {
        let stages = [
            stage(
                "p", type: "pipeline",
                texts: [
                    "Exception in child pipeline stage (a: b): access denied", "Exception in child pipeline stage (a: c): timed out",
                ])
        ]
        #expect(summaries(stages) == summaries(.accessRefused, .tookTooLong))
    }

    @Test("a child's reasons stand in place of its parent's words, where there are any")
    func children() {
        let known = ExecutionReport(status: .failed, stages: [stage("c", http: [404])])
        let unknown = ExecutionReport(status: .failed, stages: [stage("c")])
        #expect(summaries([stage("p", type: "pipeline", texts: ["timed out"], children: [known])]) == summaries(.misconfigured))
        #expect(summaries([stage("p", type: "pipeline", texts: ["timed out"], children: [unknown])]) == summaries(.tookTooLong))
    }

    @Test("any evidence gives one to twenty distinct, well-formed reasons, and the same each time", arguments: 0..<200)
    func property(seed: UInt64) {
        var random = SeededRandom(seed)
        let words = ["timed out", "x", "artifact", "https://h/p?token=s3cret", "Bearer s3cret", "denied\n\tat a.b.C(D.java:1)", ""]
        let stages = (0..<Int.random(in: 0...30, using: &random)).map { index in
            StageReport(
                id: "s\(Int.random(in: 0...10, using: &random))",
                parentID: Bool.random(using: &random) ? "s\(Int.random(in: 0...10, using: &random))" : nil,
                type: ["webhook", "pipeline", "runJob", "manualJudgment"].randomElement(using: &random) ?? "",
                status: ["TERMINAL", "CANCELED", "STOPPED", "FAILED_CONTINUE", "SUCCEEDED", "?"].randomElement(using: &random) ?? "",
                endedAt: Bool.random(using: &random) ? Int64(index) : nil,
                httpStatuses: Bool.random(using: &random) ? [Int.random(in: 100...599, using: &random)] : [],
                judgment: Bool.random(using: &random) ? "stop" : nil,
                texts: (0..<3).map { _ in words.randomElement(using: &random) ?? "" })
        }
        let report = ExecutionReport(status: .failed, stages: stages)
        let findings = FailureReader.findings(of: report)
        #expect((1...20).contains(findings.count), "seed \(seed)")
        #expect(Set(findings.map { "\($0.category) \($0.summary)" }).count == findings.count, "seed \(seed)")
        #expect(findings == FailureReader.findings(of: report), "seed \(seed)")
        for finding in findings {
            #expect(!finding.summary.isEmpty && !finding.actionHint.isEmpty, "seed \(seed)")
            #expect((finding.detail ?? "x").unicodeScalars.count <= 240 && finding.detail?.contains("s3cret") != true, "seed \(seed)")
        }
    }
}
