import ServiceKit

/// Numbers of this service beside those of every service.
struct DeploymentMetrics: Sendable {
    /// What a call that asks for a deployment or a rollback came to.
    enum Launch: String, CaseIterable {
        case started
        case replayed
        case refused
        /// The engine's answer was not clear.
        case undecided
    }

    private let lockAge: Gauge
    private let launches: [Launch: Counter]

    init(_ metrics: Metrics) {
        lockAge = metrics.gauge(
            "trivet_deployment_lock_held_seconds", help: "Age of the deployment that holds the global lock; 0 where it is free.")
        launches = Dictionary(
            uniqueKeysWithValues: Launch.allCases.map { outcome in
                let counter = metrics.counter(
                    "trivet_deployment_launches_total", help: "Deployments and rollbacks asked for, by what came of them.",
                    labels: ["outcome": outcome.rawValue])
                return (outcome, counter)
            })
    }

    /// - Parameter milliseconds: nil where the lock is free.
    func lockHeld(milliseconds: Int64?) { lockAge.set(Int((milliseconds ?? 0) / 1000)) }

    func count(_ outcome: Launch) { launches[outcome]?.add() }
}
