import ServiceKit

/// Numbers of this service beside those of every service.
struct DeploymentMetrics: Sendable {
    private let lockAge: Gauge

    init(_ metrics: Metrics) {
        lockAge = metrics.gauge(
            "trivet_deployment_lock_held_seconds", help: "Age of the deployment that holds the global lock; 0 where it is free.")
    }

    /// - Parameter milliseconds: nil where the lock is free.
    func lockHeld(milliseconds: Int64?) { lockAge.set(Int((milliseconds ?? 0) / 1000)) }
}
