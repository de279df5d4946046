import Encoding
import EventLoop
import Foundation
import Glibc
import Postgres
import SiteControlDomain
import TestSupport
import Testing
@testable import SiteControl

@Suite(.serialized) struct AnsibleExecutorTests {
    @Test("every job type runs, gets exactly its variables, and its result is read", arguments: JobType.allCases)
    func everyType(_ type: JobType) async throws {
        try await RunnerStage.with { stage in
            let attempt = try await stage.acceptedAttempt(type)
            let progress = HeardProgress()
            let report = try await stage.run(attempt, progress)
            #expect(report.outcome.result?.type == type, "\(report.outcome)")
            #expect(report.outputTail.contains("PLAY RECAP"))
            #expect(progress.events.first?["event"]?.string == "start" && progress.events.last?["event"]?.string == "end")
            let start = try #require(try stage.journal("start").first)
            #expect(start["job_id"]?.string == attempt.jobID.description)
            #expect(start["attempt"]?.int == 2 && start["fencing_term"]?.int == 41)
            #expect(TestFolder.list(stage.scratchRoot).isEmpty)
        }
    }

    @Test("no secret is in arguments, environment, log or database")
    func secretsTravelInFiles() async throws {
        try await RunnerStage.with { stage in
            for type in JobType.allCases where type != .domainRemove {
                let attempt = try await stage.acceptedAttempt(type)
                _ = try await stage.run(attempt)
            }
            for start in try stage.journal("start") {
                let seen = String(decoding: JSONValue.object(start).bytes, as: UTF8.self)
                #expect(!seen.contains(RunnerStage.canary))
                let environment = try #require(start["environment"]?.object)
                let expected: Set = [
                    "PATH", "HOME", "LANG", "ANSIBLE_CONFIG", "ANSIBLE_NOCOLOR", "ANSIBLE_LOCAL_TEMP", "TRIVET_EVENTS",
                ]
                // What the shell and Python add by themselves.
                #expect(Set(environment.keys).subtracting(["PWD", "OLDPWD", "SHLVL", "_", "LC_CTYPE"]) == expected)
                let arguments = start["arguments"]?.array?.compactMap(\.string) ?? []
                #expect(arguments.contains { $0.contains("StrictHostKeyChecking=accept-new") })
            }
            #expect(!TestFolder.text(stage.logPath).contains(RunnerStage.canary))
            let dump = try await stage.database.query(
                "SELECT jsonb_agg(to_jsonb(e))::text FROM (SELECT * FROM environments) e" as SQL<Columns<String>>)
            #expect(!dump.contains { $0.values.contains(RunnerStage.canary) })
        }
    }

    @Test("secrets that a playbook prints are masked everywhere, however they are written or cut")
    func leaks() async throws {
        try await RunnerStage.with { stage in
            try stage.script(#"{"leak": true, "exit": 2, "message": "it was \#(RunnerStage.canary)-redis"}"#)
            for type in [JobType.environmentDeploy, .environmentPromote, .siteImport] {
                let progress = HeardProgress()
                let report = try await stage.run(try await stage.acceptedAttempt(type), progress)
                #expect(report.outcome.code == .ansibleHostFailed)
                #expect(progress.text.contains("********"))
                for text in [progress.text, report.outputTail, report.outcome.message] {
                    #expect(!text.contains(RunnerStage.canary), "\(type): \(text)")
                }
            }
        }
    }

    struct End: Sendable, CustomTestStringConvertible {
        let rule: String
        let code: JobErrorCode
        var testDescription: String { rule }
        init(_ rule: String, _ code: JobErrorCode) { (self.rule, self.code) = (rule, code) }
    }

    static let ends = [
        End(#"{"exit": 1}"#, .ansiblePlayError), End(#"{"exit": 2}"#, .ansibleHostFailed),
        End(#"{"exit": 4}"#, .ansibleHostUnreachable), End(#"{"exit": 4, "events": false}"#, .ansibleSyntaxError),
        End(#"{"exit": 5}"#, .ansibleSyntaxError), End(#"{"exit": 250}"#, .ansibleUnexpectedError),
        End(#"{"exit": 3}"#, .ansibleUnknownExit), End(#"{"exit": 99}"#, .ansibleUnknownExit),
        End(#"{"signal": 9}"#, .ansibleUnknownExit), End(#"{"signal": 15}"#, .ansibleUnknownExit),
        End(#"{"no_host": true}"#, .playbookResultInvalid), End(#"{"events": false}"#, .playbookResultInvalid),
        End(#"{"result": false}"#, .playbookResultInvalid), End(#"{"result": "{\"page_cache"}"#, .playbookResultInvalid),
        End(#"{"result": "[]"}"#, .playbookResultInvalid), End(#"{"result": {"page_cache_entries": null}}"#, .playbookResultInvalid),
        End(#"{"result": {"page_cache_entries": "7"}}"#, .playbookResultInvalid),
    ]

    @Test("each end has its code, a message and a tail, and leaves nothing behind", arguments: ends)
    func endings(_ end: End) async throws {
        try await RunnerStage.with { stage in
            try stage.script(end.rule)
            let report = try await stage.run(stage.attempt(.cachePurge))
            #expect(report.outcome.code == end.code, "\(report.outcome)")
            #expect(!report.outcome.message.isEmpty && !report.outputTail.isEmpty)
            #expect(TestFolder.list(stage.scratchRoot).isEmpty)
        }
    }

    @Test("a failed task is named at the head of the message, the output follows")
    func failureMessage() async throws {
        try await RunnerStage.with { stage in
            try stage.script(#"{"exit": 2, "message": "shop.example does not resolve to 198.51.100.7"}"#)
            let message = try await stage.run(stage.attempt(.cachePurge)).outcome.message
            #expect(message.hasPrefix("Task \"Empty the object cache\" failed: shop.example does not resolve to 198.51.100.7\n\n"))
            #expect(message.contains("PLAY RECAP"))
        }
    }

    @Test("a noisy run keeps the end of its output, on a whole character, within 10,240 bytes")
    func noise() async throws {
        try await RunnerStage.with { stage in
            try stage.script(#"{"exit": 2, "output": {"repeat": ["zwölf Boxkämpfer €", 20000]}}"#)
            let progress = HeardProgress()
            let report = try await stage.run(stage.attempt(.cachePurge), progress)
            #expect(progress.lines.count > 20_000)
            #expect(report.outputTail.utf8.count <= 10_240 && report.outputTail.utf8.count > 10_200)
            #expect(report.outcome.message.utf8.count <= 10_240)
            #expect(!report.outputTail.contains("\u{FFFD}"))
        }
    }

    @Test("a run past its time is ended with all it has started, on the node too", arguments: [false, true])
    func timeout(ignoresTerm: Bool) async throws {
        try await RunnerStage.with { stage in
            try stage.script(#"{"hang": true, "ignore_term": \#(ignoresTerm), "spawn": 2}"#, #"{"id": 2}"#)
            var attempt = stage.attempt(.cachePurge)
            // On a busy machine the time may be over before the playbook has done anything.
            for milliseconds in [1500, 6000, 24_000, 96_000] where try stage.journal("held").isEmpty {
                attempt = stage.attempt(.cachePurge, timeout: .milliseconds(milliseconds))
                let report = try await stage.run(attempt)
                #expect(report.outcome.code == .ansibleTimeout, "\(report.outcome)")
            }
            let spawned = try #require(try stage.journal("spawned").last?["pids"]?.array?.compactMap(\.int))
            #expect(spawned.count == 2 && !spawned.contains(where: TestFolder.isAlive))
            #expect(TestFolder.list(stage.scratchRoot).isEmpty)
            let stop = try #require(try stage.journal("start", "ssh-journal.jsonl").last?["command"]?.string)
            #expect(stop == "sudo -n systemctl stop 'trivet-job-\(attempt.jobID)-*'")
        }
    }

    @Test("a stopped run is gone with what had left its process group", arguments: [false, true])
    func stopping(ignoresTerm: Bool) async throws {
        try await RunnerStage.with { stage in
            try stage.script(#"{"hang": true, "ignore_term": \#(ignoresTerm), "spawn": 2, "escape": true}"#)
            let attempt = stage.attempt(.cachePurge)
            let run = Task { try await stage.run(attempt) }
            _ = try await stage.awaitJournal("held")
            run.cancel()
            let report = try await run.value
            #expect(report.outcome.isStopped, "\(report.outcome)")
            let spawned = try #require(try stage.journal("spawned").first?["pids"]?.array?.compactMap(\.int))
            #expect(spawned.count == 2 && !spawned.contains(where: TestFolder.isAlive))
            #expect(try stage.journal("terminated").isEmpty == ignoresTerm)
            #expect(TestFolder.list(stage.scratchRoot).isEmpty)
        }
    }

    @Test("a node that does not answer holds the end of a stopped run up for a bounded time only")
    func silentNode() async throws {
        try await RunnerStage.with { stage in
            try TestFolder.write(stage.folder + "/ssh-control.json", #"{"rules": [{"hang": true, "ignore_term": true}]}"#)
            try stage.script(#"{"hang": true}"#)
            let run = Task { try await stage.run(stage.attempt(.cachePurge)) }
            _ = try await stage.awaitJournal("held")
            run.cancel()
            #expect(try await run.value.outcome.isStopped)
            #expect(TestFolder.list(stage.scratchRoot).isEmpty)
        }
    }

    @Test("a child learns of the death of its worker, and ends with its group")
    func orphans() async throws {
        try await RunnerStage.with { stage in
            try stage.script(#"{"hang": true, "spawn": 1}"#)
            let scratch = try ScratchFolder(below: stage.scratchRoot)
            try scratch.write(scratch.inventory, [])
            try scratch.write(scratch.variables, Array("{}".utf8))
            var command = stage.executor.settings.ansible.run(.cachePurge, in: scratch, knownHosts: nil)
            // The end of the pipe, as when the process that holds it is killed.
            command.keepsInputOpen = false
            let ended = try await TestLoops.run { [command] in
                try await ChildProcess.run(command, outputBytesMax: 1 << 16) { _, _ in }
            }
            #expect(ended.exit == .signalled(SIGTERM))
            scratch.remove()
            #expect(TestFolder.list(stage.scratchRoot).isEmpty)
        }
    }

    @Test("what is not as it was when the job was accepted ends it before anything is run")
    func preconditions() async throws {
        try await RunnerStage.with { stage in
            let gone = JSONValue.string(Encoding.UUID.fresh().description)
            let backup = try await stage.database.addBackup(of: stage.site.staging)
            try await stage.database.execute("UPDATE backups SET status = 'expired' WHERE id = \(backup)")
            let cases: [(JobType, JSONValue, JobErrorCode)] = [
                (.domainAdd, ["domain_id": gone], .preconditionChanged),
                (.backupCreate, ["backup_id": gone], .preconditionChanged),
                (.environmentRestore, ["backup_id": .string(backup.description)], .preconditionChanged),
                (.environmentPromote, ["source_environment_id": gone, "backup_id": gone], .preconditionChanged),
                (.releaseRollback, ["target_release_id": gone], .rollbackTargetMissing),
            ]
            for (type, payload, code) in cases {
                let report = try await stage.run(stage.attempt(type, payload))
                #expect(report.outcome.code == code, "\(type): \(report.outcome)")
            }
            try stage.secrets.remove(.nodeKey(stage.site.node))
            #expect(try await stage.run(stage.attempt(.cachePurge)).outcome.code == .preconditionChanged)
            #expect(try stage.journal("start").isEmpty)
            #expect(TestFolder.list(stage.scratchRoot).isEmpty)
        }
    }

    @Test("a secret that does not open ends the job without a second try, and says so in the log only")
    func damagedSecret() async throws {
        try await RunnerStage.with { stage in
            try TestFolder.write("\(stage.folder)/secrets/node/\(stage.site.node)/ssh_key", [1, 2, 3])
            let report = try await stage.run(stage.attempt(.cachePurge))
            #expect(report.outcome.code == .ansibleUnexpectedError)
            #expect(!report.outcome.message.contains("/"))
        }
    }
}
