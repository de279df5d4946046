import Encoding

/// What the callback plugin has told of a run so far, as far as the outcome depends on it.
struct RunLedger: Sendable, Hashable {
    private(set) var hasStarted = false
    private(set) var hasPlayed = false
    private(set) var hasUnreachableHost = false
    /// The run's own account of its end came.
    private(set) var hasEnded = false
    /// Tasks that went well on the node, from the account at the end.
    private(set) var tasksDone = 0
    private(set) var failures = 0
    private(set) var unreachable = 0
    /// The last task that failed for good, and why, where it may be told.
    private(set) var failedTask: String?
    private(set) var failureMessage: String?

    mutating func take(_ event: JSONObject) {
        switch event["event"]?.string {
        case "start": hasStarted = true
        case "play": hasPlayed = true
        case "result": takeResult(event)
        case "end":
            hasEnded = true
            for host in event["hosts"]?.object?.members ?? [] {
                tasksDone += max(host.value["ok"]?.int ?? 0, 0)
                failures += max(host.value["failures"]?.int ?? 0, 0)
                unreachable += max(host.value["unreachable"]?.int ?? 0, 0)
            }
        default: break
        }
    }

    private mutating func takeResult(_ event: JSONObject) {
        let status = event["status"]?.string
        guard status == "failed" || status == "unreachable" else { return }
        if status == "unreachable" { hasUnreachableHost = true }
        failedTask = event["name"]?.string
        failureMessage = event["message"]?.string
    }

    /// `Task "Load the database" failed: no space left on device`
    var failureSummary: String? {
        guard let failedTask else { return nil }
        let what = hasUnreachableHost ? "could not reach the node" : "failed"
        guard let failureMessage, !failureMessage.isEmpty else { return "Task \"\(failedTask)\" \(what)." }
        return "Task \"\(failedTask)\" \(what): \(failureMessage)"
    }
}
