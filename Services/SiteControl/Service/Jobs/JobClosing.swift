import Encoding
import Postgres
import SiteControlDomain

/// The statements that take a job out of `running`: resources first, then the job, its follow-up and its audit row (reference,
/// appendix A). They commit together behind a fence, or in the transaction of the claim.
struct JobClosing {
    let job: JobTicket
    let ending: JobEnding
    var outputTail = ""
    /// The newest baseline of its environment, for a drift check that succeeded.
    var baseline: ProtectedChecksums?
    /// Executions that a follow-up may have.
    var maxAttempts = 3
    private let releaseID = UUID.random()

    init(job: JobTicket, ending: JobEnding, outputTail: String = "", baseline: ProtectedChecksums? = nil, maxAttempts: Int = 3) {
        self.job = job
        self.ending = ending
        self.outputTail = outputTail
        self.baseline = baseline
        self.maxAttempts = maxAttempts
    }

    /// - Throws: where the result of a success is not one of this job.
    var commands: [Command] {
        get throws(SuccessEffects.Mismatch) {
            guard case .succeeded(let result) = ending else { return withoutSuccess }
            let effects = SuccessEffects(job: job, result: result, baseline: baseline, releaseID: releaseID)
            let followUps = FollowUps(job: job, result: result, releaseID: releaseID, maxAttempts: maxAttempts)
            return try effects.commands + [ended(.succeeded, nil)] + followUps.commands + [audit(.succeeded)]
        }
    }

    /// Of a job that was refused at its start.
    static func refused(_ job: JobTicket, _ refusal: StartCondition.Refusal) -> [Command] {
        JobClosing(job: job, ending: .failed(refusal.code, message: refusal.message)).withoutSuccess
    }

    /// For an ending that is no success.
    var withoutSuccess: [Command] {
        switch ending {
        case .succeeded: []
        case .failed(let code, let message):
            FailureEffects(job: job, code: code).commands + [ended(.failed, (code, message)), audit(.failed)]
        case .cancelled: FailureEffects(job: job, code: nil).commands + [ended(.cancelled, nil), audit(.cancelled)]
        case .retried(let code, let message, let pause): [queuedAgain(code, Self.message(message, code), pause)]
        case .handedBack: [handedBack]
        }
    }

    // MARK: The job's row, with its event

    private func ended(_ status: JobStatus, _ error: (code: JobErrorCode, message: String)?) -> Command {
        let message = error.map { Self.message($0.message, $0.code) }
        return """
            WITH ended AS (
                UPDATE jobs SET status = \(status.rawValue), finished_at = now(), error_code = \(error?.code.rawValue),
                    error_message = \(message), output_tail = \(tail), locked_by = NULL, locked_at = NULL,
                    lease_expires_at = NULL, event_seq = event_seq + 1
                WHERE id = \(job.id) AND status = 'running' RETURNING id, event_seq),
            noted AS (
                INSERT INTO job_events (job_id, seq, kind, data)
                SELECT id, event_seq, 'state', \(event(status, error?.code, message)) FROM ended)
            SELECT id FROM ended
            """
    }

    /// Site and environment stay in their in-progress state: the next attempt finds them there.
    private func queuedAgain(_ code: JobErrorCode, _ message: String, _ pause: Duration) -> Command {
        """
        WITH queued AS (
            UPDATE jobs SET status = 'queued', run_after = now() + \(pause.wholeMicroseconds) * interval '1 microsecond',
                error_code = \(code.rawValue), error_message = \(message), output_tail = \(tail), locked_by = NULL,
                locked_at = NULL, lease_expires_at = NULL, event_seq = event_seq + 1
            WHERE id = \(job.id) AND status = 'running' RETURNING id, event_seq, run_after),
        noted AS (
            INSERT INTO job_events (job_id, seq, kind, data)
            SELECT id, event_seq, 'state', \(event(.queued, code, message)) || jsonb_build_object(
                'run_after', to_char(run_after AT TIME ZONE 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')) FROM queued)
        SELECT id FROM queued
        """
    }

    /// Due at once; the run that did not come to its end does not count as an attempt.
    private var handedBack: Command {
        """
        WITH queued AS (
            UPDATE jobs SET status = 'queued', run_after = now(), attempt_count = attempt_count - 1, output_tail = \(tail),
                locked_by = NULL, locked_at = NULL, lease_expires_at = NULL, event_seq = event_seq + 1
            WHERE id = \(job.id) AND status = 'running' RETURNING id, event_seq),
        noted AS (
            INSERT INTO job_events (job_id, seq, kind, data)
            SELECT id, event_seq, 'state', \(event(.queued, nil, nil)) FROM queued)
        SELECT id FROM queued
        """
    }

    private func audit(_ status: JobStatus) -> Command {
        """
        UPDATE audit_logs SET result = \(status.rawValue)
        WHERE job_id = \(job.id) AND result = 'accepted' AND action <> 'job_cancel'
        """
    }

    // MARK: Values

    private func event(_ status: JobStatus, _ code: JobErrorCode?, _ message: String?) -> JSONText {
        var data = JSONObject()
        data["status"] = .string(status.rawValue)
        data["attempt"] = .number(JSONNumber(job.attempt))
        if let code { data["error_code"] = .string(code.rawValue) }
        if let message { data["error_message"] = .string(message) }
        return JSONText(utf8: JSONValue.object(data).bytes)
    }

    private var tail: String? { outputTail.isEmpty ? nil : StoredText.tail(outputTail) }

    /// A failed job says why, whatever its executor said.
    private static func message(_ text: String, _ code: JobErrorCode) -> String {
        let text = StoredText.tail(text)
        return text.isEmpty ? code.rawValue : text
    }
}
