import EventLoop
import SiteControlDomain

/// The command lines of ansible-playbook, as values (reference 6.2). No secret is in any of them.
struct AnsibleCommand: Sendable {
    /// Absolute.
    let program: String
    /// Where `ansible.cfg`, playbooks and roles lie; absolute.
    let directory: String
    /// PATH of the child.
    let path: String
    /// Between TERM and KILL of a run's group, when this process ends first.
    let stopGrace: Duration

    func playbook(_ type: JobType) -> String { "\(directory)/playbooks/\(type.playbook)" }

    /// Runs the playbook of a job type against what lies in the scratch folder.
    func run(_ type: JobType, in scratch: ScratchFolder, knownHosts: String?) -> ChildCommand {
        var arguments = ["-i", scratch.inventory, "-e", "@" + scratch.variables]
        if let knownHosts {
            arguments += ["--ssh-extra-args", SSHCommand.options(knownHosts: knownHosts).joined(separator: " ")]
        }
        return supervised(
            arguments + [playbook(type)], scratch: scratch.path,
            more: ["ANSIBLE_LOCAL_TEMP": scratch.temporary, "TRIVET_EVENTS": scratch.events])
    }

    /// Parses playbooks without running anything.
    func checkSyntax(of types: [JobType], in scratch: ScratchFolder) -> ChildCommand {
        supervised(
            ["-i", scratch.inventory, "--syntax-check"] + types.map(playbook), scratch: scratch.path,
            more: ["ANSIBLE_LOCAL_TEMP": scratch.temporary])
    }

    /// A child whose whole group ends when this process ends, however it ended: standard input of the shell around it is a
    /// pipe that this process holds open, and a watcher in the group waits for its end. (The parent-death signal of Linux
    /// is no help: it fires when the thread that started the child ends.)
    private func supervised(_ arguments: [String], scratch: String, more: [String: String]) -> ChildCommand {
        let environment = [
            "PATH": path, "HOME": scratch, "LANG": "C.UTF-8", "ANSIBLE_CONFIG": directory + "/ansible.cfg", "ANSIBLE_NOCOLOR": "1",
        ].merging(more) { $1 }
        return ChildCommand(
            "/bin/sh", ["-c", Self.watch, "sh", graceSeconds, program] + arguments, environment: environment, workingDirectory: directory,
            keepsInputOpen: true)
    }

    /// As `sleep` takes it.
    private var graceSeconds: String {
        let milliseconds = max(0, stopGrace.wholeNanoseconds / 1_000_000)
        let fraction = String(milliseconds % 1000)
        return "\(milliseconds / 1000)." + String(repeating: "0", count: 3 - fraction.utf8.count) + fraction
    }

    /// The program itself gets no standard input, and stays the leader of its group.
    private static let watch = """
        grace=$1
        shift
        exec 3<&0 </dev/null
        (trap '' HUP INT TERM; exec >/dev/null 2>&1; read -r _ <&3; kill -TERM 0; sleep "$grace"; kill -KILL 0) &
        exec 3<&-
        exec "$@"
        """
}
