/// Reads the reasons of a failure out of an execution that has failed (reference 7.6).
public enum FailureReader {
    public static let findingsMax = 20

    /// - Returns: never empty, at most ``findingsMax``; no two with equal category and summary.
    public static func findings(of execution: ExecutionReport) -> [FailureFinding] {
        if execution.status == .canceled, !failedOnStartup(execution) { return [cancellation(of: execution)] }
        var findings = stageFindings(of: execution)
        if findings.isEmpty {
            findings = [withoutStages(execution)]
        }
        return distinct(findings)
    }

    // MARK: The execution itself

    private static func cancellation(of execution: ExecutionReport) -> FailureFinding {
        FailureCause.canceled.finding(
            detail: execution.cancellationReason.flatMap(PublicDetail.from), observedAt: execution.endedAt)
    }

    /// No stage tells anything: a cancellation, a start-up failure, or texts on the execution.
    private static func withoutStages(_ execution: ExecutionReport) -> FailureFinding {
        if failedOnStartup(execution) {
            // Nothing has run yet, so what cannot be told apart lies in how the rollout is set up.
            let reason = execution.cancellationReason ?? ""
            let cause = FailureRules.cause(inWordsOf: [reason])
            return (cause == .unknown ? .misconfigured : cause).finding(
                detail: PublicDetail.from(reason), observedAt: execution.endedAt)
        }
        if execution.isCanceled { return cancellation(of: execution) }
        return FailureRules.cause(inWordsOf: execution.texts).finding(
            detail: execution.texts.lazy.compactMap(PublicDetail.from).first, observedAt: execution.endedAt)
    }

    private static func failedOnStartup(_ execution: ExecutionReport) -> Bool {
        execution.canceledBy?.lowercased() == "system"
            && execution.cancellationReason?.lowercased().hasPrefix("failed on startup") == true
    }

    // MARK: Stages

    private static func stageFindings(of execution: ExecutionReport) -> [FailureFinding] {
        let candidates = execution.stages.enumerated().filter { hasFailed($0.element) }
        let heights = heights(of: candidates.map(\.element))
        let ordered = candidates.sorted { left, right in
            let leftKey = (heights[left.element.id] ?? 0, left.element.endedAt ?? .max, left.offset)
            let rightKey = (heights[right.element.id] ?? 0, right.element.endedAt ?? .max, right.offset)
            return leftKey < rightKey
        }
        var findings: [FailureFinding] = []
        for (_, stage) in ordered {
            let isExplainedBelow = (heights[stage.id] ?? 0) > 0 && !findings.isEmpty
            let wasStoppedAlong = stage.status == "CANCELED" || stage.status == "STOPPED"
            // A parent fails because its part did, and a neighbour is stopped because another failed: of themselves
            // neither is a reason.
            findings += self.findings(of: stage).filter {
                $0.category != .unknown || !(isExplainedBelow || wasStoppedAlong)
            }
        }
        return findings
    }

    private static func findings(of stage: StageReport) -> [FailureFinding] {
        let below = stage.children.filter { $0.status == .failed || $0.status == .canceled }.flatMap(findings(of:))
            .filter { $0.category != .unknown }
        if !below.isEmpty { return below }
        if stage.type.lowercased() == "pipeline", stage.texts.count > 1 {
            // One text for each failed stage of the child.
            return stage.texts.map { text in
                var part = stage
                part.texts = [text]
                return finding(of: part)
            }
        }
        return [finding(of: stage)]
    }

    private static func finding(of stage: StageReport) -> FailureFinding {
        let cause = FailureRules.cause(of: stage)
        let texts = cause == .misconfigured ? stage.expressionErrors + stage.texts : stage.texts
        return cause.finding(detail: texts.lazy.compactMap(PublicDetail.from).first, observedAt: stage.endedAt)
    }

    private static func hasFailed(_ stage: StageReport) -> Bool {
        switch stage.status {
        case "TERMINAL", "FAILED", "FAILED_CONTINUE", "STOPPED", "CANCELED": true
        default: false
        }
    }

    /// Of each stage, the longest way down to a leaf among the failed ones. Bounded, since ids are the engine's: a circle of parents ends.
    private static func heights(of stages: [StageReport]) -> [String: Int] {
        let parents = Dictionary(stages.map { ($0.id, $0.parentID) }, uniquingKeysWith: { first, _ in first })
        var heights: [String: Int] = [:]
        for stage in stages {
            var height = 0
            var next = stage.parentID
            while let parent = next, height < 16 {
                height += 1
                heights[parent] = max(heights[parent] ?? 0, height)
                next = parents[parent] ?? nil
            }
        }
        return heights
    }

    private static func distinct(_ findings: [FailureFinding]) -> [FailureFinding] {
        var kept: [FailureFinding] = []
        for finding in findings where kept.count < findingsMax {
            if !kept.contains(where: { $0.category == finding.category && $0.summary == finding.summary }) {
                kept.append(finding)
            }
        }
        return kept
    }
}
