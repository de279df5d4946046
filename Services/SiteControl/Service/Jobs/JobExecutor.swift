package import Encoding
package import SiteControlDomain

/// One run of a job by one worker: all that an executor needs to know.
package struct Attempt: Sendable {
    package let jobID: UUID
    package let type: JobType
    /// 1 on the first run.
    package let number: Int
    /// Fencing term: higher than that of every earlier claim of any job. Whoever sees a higher one for the same site or node must
    /// not act for a lower one any more.
    package let term: Int64
    /// nil for a job of a node.
    package let siteID: UUID?
    package let environmentID: UUID?
    package let nodeID: UUID
    package let payload: JSONObject
    package let createdAt: Timestamp
    /// Longest time the run may take, the life of its child included.
    package let timeout: Duration

    package init(
        jobID: UUID, type: JobType, number: Int, term: Int64, siteID: UUID?, environmentID: UUID?, nodeID: UUID,
        payload: JSONObject, createdAt: Timestamp, timeout: Duration
    ) {
        self.jobID = jobID
        self.type = type
        self.number = number
        self.term = term
        self.siteID = siteID
        self.environmentID = environmentID
        self.nodeID = nodeID
        self.payload = payload
        self.createdAt = createdAt
        self.timeout = timeout
    }
}

/// What became of a run.
package enum AttemptOutcome: Sendable {
    case succeeded(JobResult)
    /// - Parameter message: what people read at the job; secrets masked, at most 10,240 bytes are kept.
    case failed(JobErrorCode, message: String)
    /// The task was cancelled, and the child is gone.
    case stopped
}

/// What a run leaves behind.
package struct AttemptReport: Sendable {
    package let outcome: AttemptOutcome
    /// The end of the output, secrets masked; at most 10,240 bytes are kept.
    package let outputTail: String

    package init(outcome: AttemptOutcome, outputTail: String) {
        self.outcome = outcome
        self.outputTail = outputTail
    }
}

/// Does the work of a job on its node.
package protocol JobExecutor: Sendable {
    /// Returns once nothing of the run is left on this machine.
    ///
    /// When its task is cancelled it stops the child (TERM, grace, KILL) and returns `.stopped`, or the outcome that came before
    /// the stop.
    func run(_ attempt: Attempt, progress: any AttemptProgress) async -> AttemptReport
}

/// Where a run tells how far it is. What comes is kept in order and reaches the readers of a job's events soon, not at once.
package protocol AttemptProgress: Sendable {
    /// One line of output without its end, secrets masked.
    func line(_ stream: OutputStream, _ text: String) async
    /// What the callback plugin told of a play, a task or a result.
    func event(_ data: JSONObject) async
}

/// Where a line of output came from.
package enum OutputStream: String, Sendable {
    case output = "stdout"
    case error = "stderr"
}
