import Encoding
import Postgres
import SiteControlDomain

/// Writes events of jobs. Numbers come from the job's own row, raised in the same statement, so that they become visible in
/// their order.
enum JobEventSQL {
    /// Listened to by streams; the payload is the job's id.
    static let eventChannel = "job_event"
    /// Listened to by workers: something is due.
    static let queuedChannel = "job_queued"
    /// Listened to by workers; the payload is the job's id.
    static let cancelChannel = "job_cancel"

    /// What a `state` event of a job says that was just put into the queue.
    static let queued = JSONText(#"{"status":"queued","attempt":0}"#)

    /// The first event of a job that was inserted in this transaction with `event_seq` 1.
    static func first(of job: UUID) -> Command {
        "INSERT INTO job_events (job_id, seq, kind, data) VALUES (\(job), 1, 'state', \(queued))"
    }

    /// Wakes the workers of all instances when the transaction commits.
    static var wakeWorkers: Command { "SELECT pg_notify('job_queued', '')" }

    /// Wakes the streams of a job when the transaction commits.
    static func wakeStreams(of job: UUID) -> Command { "SELECT pg_notify('job_event', \(job.description))" }
}
