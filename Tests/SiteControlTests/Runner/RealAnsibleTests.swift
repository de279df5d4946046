import Encoding
import EventLoop
import Foundation
import Postgres
import Glibc
import ServiceKit
import SiteControlDomain
import TestSupport
import Testing
@testable import SiteControl

/// The executor against a real ansible-playbook, Debian's own as a rule, with playbooks written for the purpose.
@Suite(.serialized) struct RealAnsibleTests {
    /// Another version of it: `ANSIBLE_PLAYBOOK=/path/to/ansible-playbook`.
    private static let program = ProcessInfo.processInfo.environment["ANSIBLE_PLAYBOOK"] ?? "/usr/bin/ansible-playbook"

    /// A folder like `deploy/ansible`, with one playbook that matters and sixteen that parse.
    private func directory(_ folder: String, _ type: JobType, tasks: String) throws -> String {
        let path = folder + "/ansible"
        try FileManager.default.createDirectory(atPath: path + "/playbooks", withIntermediateDirectories: true)
        try FileManager.default.createSymbolicLink(
            atPath: path + "/callback_plugins", withDestinationPath: TestFolder.repository + "/deploy/ansible/callback_plugins")
        try TestFolder.write(path + "/ansible.cfg", TestFolder.read(TestFolder.repository + "/deploy/ansible/ansible.cfg") ?? [])
        for other in JobType.allCases {
            let text = "- name: \(other.rawValue)\n  hosts: target\n  gather_facts: false\n  tasks:\n"
            try TestFolder.write(
                "\(path)/playbooks/\(other.playbook)",
                text + (other == type ? tasks : "    - name: Nothing\n      ansible.builtin.command: 'true'\n"))
        }
        return path
    }

    private func with(
        _ type: JobType = .cachePurge, tasks: String, isLocal: Bool = true, _ body: (RunnerStage) async throws -> Void
    ) async throws {
        try await TestFolder.with { folder in
            let variables = [
                "TRIVET_ANSIBLE_DIRECTORY": try directory(folder, type, tasks: tasks),
                "TRIVET_ANSIBLE_PLAYBOOK": Self.program, "TRIVET_SSH": "/usr/bin/ssh",
            ]
            try await RunnerStage.with(isLocal: isLocal, variables: variables, body)
        }
    }

    private static let purged = """
            - name: Write the result
              ansible.builtin.copy:
                content: '{"page_cache_entries": 3, "object_cache_keys": 4}'
                dest: "{{ result_path }}"
                mode: "0600"
              delegate_to: localhost

        """

    @Test("a playbook's progress and result arrive, with variables as they were given")
    func success() async throws {
        let check = """
                - name: Look at the variables
                  ansible.builtin.assert:
                    that: [attempt == 2, fencing_term == 41, redis_cache_enabled is true, cache_hostnames | length == 1]
                - name: Handle the secret
                  ansible.builtin.shell: 'test -n "$SECRET" && ! read -r line'
                  environment:
                    SECRET: "{{ database_password }}"
                  no_log: true

            """
        try await with(tasks: check + Self.purged) { stage in
            let progress = HeardProgress()
            let report = try await stage.run(stage.attempt(.cachePurge), progress)
            #expect(report.outcome.result == .cachesPurged(pageCacheEntries: 3, objectCacheKeys: 4), "\(report.outcome)")
            let play = try #require(progress.events.first { $0["event"]?.string == "play" })
            #expect(play["tasks"] == ["Look at the variables", "Handle the secret", "Write the result"])
            #expect(progress.events.contains { $0["name"]?.string == "Handle the secret" && $0["hidden"]?.bool == true })
            #expect(!progress.text.contains(RunnerStage.canary) && !report.outputTail.contains(RunnerStage.canary))
            #expect(TestFolder.list(stage.scratchRoot).isEmpty)
        }
    }

    @Test("a failing task, a file that does not parse and a dead node are told apart")
    func failures() async throws {
        let failing = "    - name: Fail\n      ansible.builtin.command: sh -c 'echo told {{ redis_password }} >&2; exit 3'\n"
        try await with(tasks: failing) { stage in
            let report = try await stage.run(stage.attempt(.cachePurge))
            #expect(report.outcome.code == .ansibleHostFailed)
            #expect(report.outcome.message.hasPrefix("Task \"Fail\" failed: told ********"), "\(report.outcome.message)")
            #expect(!report.outcome.message.contains(RunnerStage.canary))
        }
        try await with(tasks: "    - name: Broken\n      no.such.module: x\n") { stage in
            let report = try await stage.run(stage.attempt(.cachePurge))
            #expect(report.outcome.code == .ansibleSyntaxError)
        }
        try await with(tasks: Self.purged, isLocal: false) { stage in
            try await stage.database.execute("UPDATE nodes SET hostname = '127.0.0.1', ssh_port = 1")
            let report = try await stage.run(stage.attempt(.cachePurge))
            #expect(report.outcome.code == .ansibleHostUnreachable, "\(report.outcome)")
            #expect(TestFolder.list(stage.scratchRoot).isEmpty)
        }
    }

    @Test("a run that is stopped takes the command with it that a module has started")
    func stopping() async throws {
        let hanging = "    - name: Hang\n      ansible.builtin.command: sleep 600\n"
        try await with(tasks: hanging) { stage in
            let progress = HeardProgress()
            let run = Task { try await stage.run(stage.attempt(.cachePurge), progress) }
            while !progress.events.contains(where: { $0["event"]?.string == "task" }) {
                // A run that cannot reach its task ends by itself.
                try #require(!TestFolder.list(stage.scratchRoot).isEmpty || progress.lines.isEmpty)
                try await Task.sleep(for: .milliseconds(10))
            }
            let scratch = stage.scratchRoot + "/" + (TestFolder.list(stage.scratchRoot).first ?? "")
            #expect(!ProcessSweep.processes(belongingTo: scratch).isEmpty)
            run.cancel()
            #expect(try await run.value.outcome.isStopped)
            #expect(ProcessSweep.processes(belongingTo: scratch).isEmpty)
            #expect(TestFolder.list(stage.scratchRoot).isEmpty)
        }
    }

    @Test("the check of the playbooks passes where all parse, and names what does not")
    func check() async throws {
        for (tasks, passes) in [(Self.purged, true), ("    - name: Broken\n      no.such.module: x\n", false)] {
            try await with(tasks: tasks) { stage in
                let check = PlaybookCheck(
                    stage.executor.settings, pool: stage.executor.pool, logger: stage.executor.logger)
                #expect(check.problem != nil)
                try await TestLoops.run { await check.run() }
                #expect(await check.hasPassed() == passes)
                #expect((check.problem == nil) == passes, "\(check.problem ?? "")")
                if !passes { #expect(check.problem?.contains("no.such.module") == true) }
                #expect(TestFolder.list(stage.scratchRoot).isEmpty)
            }
        }
    }

    @Test("the playbooks of this repository pass it")
    func repository() async throws {
        try await RunnerStage.with(variables: ["TRIVET_ANSIBLE_PLAYBOOK": Self.program]) { stage in
            #expect(stage.executor.settings.missingPlaybooks.isEmpty)
            let check = PlaybookCheck(stage.executor.settings, pool: stage.executor.pool, logger: stage.executor.logger)
            try await TestLoops.run { await check.run() }
            #expect(check.verdict == .passed)
        }
    }

    @Test("the callback plugin keeps its promises on this machine's ansible-core")
    func callbackPlugin() async throws {
        let ended = try Python.run(["-m", "unittest", TestFolder.repository + "/Tests/AnsibleTests/test_trivet_events.py"])
        #expect(ended.status == 0, "\(ended.said)")
    }
}
