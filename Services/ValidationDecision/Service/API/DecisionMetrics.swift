import ServiceKit
import ValidationDecisionDomain

/// Counts decisions by scenario, and records that could not be written.
struct DecisionMetrics: Sendable {
    private let counters: [Key: Counter]
    private let failures: Counter

    private struct Key: Hashable {
        let scenario: Scenario?
        let decision: Decision
    }

    init(_ metrics: Metrics) {
        var counters: [Key: Counter] = [:]
        for scenario in Scenario.allCases.map(Optional.some) + [nil] {
            for decision in Decision.allCases {
                counters[Key(scenario: scenario, decision: decision)] = metrics.counter(
                    "trivet_validation_decisions_total", help: "Decisions answered, by scenario.",
                    labels: ["scenario": scenario?.rawValue ?? "none", "decision": decision.rawValue])
            }
        }
        self.counters = counters
        failures = metrics.counter(
            "trivet_validation_audit_failures_total", help: "Audit records that could not be written; each was answered 500 and BLOCK.")
    }

    func count(_ conclusion: Conclusion) {
        counters[Key(scenario: conclusion.scenario, decision: conclusion.evaluation.decision)]?.add()
    }

    func recordFailed() { failures.add() }
}
