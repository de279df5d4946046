import Encoding
import EventLoop
import Postgres
import SiteControlDomain
import TestSupport
import Testing

@testable import SiteControl

/// Reference 5.5 and 5.7: what follows an attempt.
@Suite struct OutcomeTests {
    @Test("every code is retried or final as registered", arguments: JobErrorCode.allCases)
    func codes(_ code: JobErrorCode) async throws {
        try await JobBed.run { bed in
            let site = try await bed.site()
            let job = try await bed.enqueue(.environmentDeploy, site)
            let executor = ScriptedExecutor(.failed(code, message: "because"), tail: "end")
            try await bed.withEngine(executor) {
                let state = try await bed.ending(of: job)
                #expect(state.status == .failed && state.code == code.rawValue && state.message == "because")
                #expect(state.attempts == (code.isRetryable ? 3 : 1) && state.audit == "failed" && state.tail == "end")
            }
            #expect(executor.attempts.map(\.number) == (code.isRetryable ? [1, 2, 3] : [1]))
            #expect(executor.attempts.map(\.term) == executor.attempts.map(\.term).sorted())
            #expect(Set(executor.attempts.map(\.term)).count == executor.attempts.count)
            #expect(try await bed.status(ofEnvironment: site.production) == .failed)
            #expect(try await bed.status(ofNode: site.node) == (code == .ansibleHostUnreachable ? .unreachable : .active))
            let states = Array(repeating: ["state running", "state queued"], count: executor.attempts.count).flatMap(\.self).dropLast()
            #expect(try await bed.events(job) == ["state queued"] + states + ["state failed"])
        }
    }

    @Test("between two attempts the job shows the last error, is due after its pause, and keeps what it has begun")
    func waiting() async throws {
        try await JobBed.run { bed in
            var timings = JobBed.timings
            timings.backoff = [.seconds(60), .seconds(300), .seconds(900)]
            let site = try await bed.site()
            let backup = try await bed.backup(of: site.production)
            let job = try await bed.enqueue(
                .environmentUpdate, site, payload: ["scope": "all", "snapshot_backup_id": .string(backup.description)])
            let executor = ScriptedExecutor { attempt, _ in
                guard attempt.number == 3 else {
                    return AttemptReport(outcome: .failed(.ansibleTimeout, message: "slow"), outputTail: "")
                }
                return AttemptReport(outcome: .succeeded(.plain(for: attempt)), outputTail: "")
            }
            try await bed.withEngine(executor, timings: timings) {
                for (attempt, pause) in [(1, 60), (2, 300)] {
                    let state = try await bed.wait(for: job) { $0.status == .queued && $0.attempts == attempt }
                    #expect(state.code == "ANSIBLE_TIMEOUT" && state.message == "slow" && state.audit == "accepted")
                    // By the database's clock: from the moment of the change.
                    let waits = try await bed.value(
                        "SELECT (extract(epoch FROM run_after - updated_at))::int, locked_by, finished_at::text FROM jobs WHERE id = \(job)"
                            as SQL<Columns<Int, String?, String?>>
                    ).values
                    #expect(waits == (pause, nil, nil))
                    #expect(try await bed.status(ofEnvironment: site.production) == .deploying)
                    #expect(try await bed.status(ofBackup: backup) == "running")
                    let said = try await bed.value(
                        """
                        SELECT e.data->>'error_code', (e.data->>'run_after')::timestamptz = j.run_after FROM job_events e
                        JOIN jobs j ON j.id = e.job_id WHERE e.job_id = \(job) ORDER BY e.seq DESC LIMIT 1
                        """ as SQL<Columns<String, Bool>>
                    ).values
                    #expect(said == ("ANSIBLE_TIMEOUT", true))
                    try await bed.database.execute("UPDATE jobs SET run_after = now() WHERE id = \(job)")
                }
                let state = try await bed.ending(of: job)
                // Success clears the error.
                #expect(state.status == .succeeded && state.attempts == 3 && state.code == nil && state.message == nil)
            }
        }
    }

    @Test("a result that is not that of the job is a failure, and so is one that the schema refuses")
    func unfitResults() async throws {
        try await JobBed.run { bed in
            let results: [(JobType, JobResult)] = [
                (.environmentDeploy, .rolledBack(releasePath: "/x")),
                // The path of a release that is there already.
                (.environmentDeploy, .deployed(ChangedRelease(path: "r1"))),
                (.environmentDeploy, .deployed(ChangedRelease(path: ""))),
                (.environmentDeploy, .deployed(ChangedRelease(path: "a\0b"))),
                (.nodeProvision, .nodeProvisioned(publicIP: "2001:db8::1", versions: [:])),
                (.nodeProvision, .nodeProvisioned(publicIP: "nonsense", versions: [:])),
            ]
            for (type, result) in results {
                let site = try await bed.site()
                var payload = JSONObject()
                if type == .environmentDeploy {
                    payload["source_type"] = "git"
                    payload["source_ref"] = "x"
                }
                let job = try await bed.enqueue(type, site, payload: .object(payload))
                try await bed.withEngine(ScriptedExecutor(.succeeded(result))) {
                    let state = try await bed.ending(of: job)
                    #expect(state.status == .failed, "\(result)")
                    #expect(state.code == "PLAYBOOK_RESULT_INVALID")
                    #expect(state.message?.isEmpty == false && state.audit == "failed")
                }
                if type == .environmentDeploy { #expect(try await bed.status(ofEnvironment: site.production) == .failed) }
            }
        }
    }

    @Test("messages and output are cut to their last 10,240 bytes, at a whole character, and lose U+0000")
    func longTexts() async throws {
        try await JobBed.run { bed in
            let site = try await bed.site()
            let long = "a" + String(repeating: "é", count: 10_000) + "\0"
            let job = try await bed.enqueue(.cachePurge, site)
            try await bed.withEngine(ScriptedExecutor(.failed(.ansibleSyntaxError, message: long), tail: long)) {
                let state = try await bed.ending(of: job)
                #expect(state.status == .failed && state.message == state.tail)
                #expect(state.message == String(repeating: "é", count: 5118) + "\u{FFFD}")
            }
            let silent = try await bed.enqueue(.cachePurge, site)
            try await bed.withEngine(ScriptedExecutor(.failed(.ansibleSyntaxError, message: ""))) {
                let state = try await bed.ending(of: silent)
                #expect(state.message == "ANSIBLE_SYNTAX_ERROR")
            }
        }
    }

    @Test("an executor that does not keep the time is stopped, and the job fails for good")
    func overrun() async throws {
        try await JobBed.run { bed in
            var timings = JobBed.timings
            timings.timeout = .milliseconds(50)
            timings.overrunMargin = .milliseconds(50)
            let gate = Gate()
            let executor = ScriptedExecutor { _, _ in
                AttemptReport(outcome: await gate.pass() ? .failed(.workerLost, message: "?") : .stopped, outputTail: "")
            }
            let job = try await bed.enqueue(.cachePurge, bed.site())
            try await bed.withEngine(executor, timings: timings) {
                let state = try await bed.ending(of: job)
                #expect(state.status == .failed && state.code == "JOB_TIMEOUT" && state.attempts == 1)
            }
            #expect(executor.attempts.map(\.timeout) == [.milliseconds(50)])
        }
    }

    @Test("a node that was unreachable is active again after any job on it succeeded")
    func nodeIsBack() async throws {
        try await JobBed.run { bed in
            let node = try await bed.node(.unreachable)
            let job = try await bed.enqueue(.cachePurge, bed.site(on: node))
            try await bed.withEngine(ScriptedExecutor.succeeding) { try await bed.ending(of: job) }
            #expect(try await bed.status(ofNode: node) == .active)
            #expect(try await bed.value("SELECT last_seen_at IS NOT NULL FROM nodes WHERE id = \(node)" as SQL<Bool>))
        }
    }
}
