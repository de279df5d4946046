import Encoding
import Foundation

/// The folder in which a panel's playbook runner and ssh are doubles: links to the programs in `Tests/doubles/`, which read
/// there what to do wrong and write there what they did. The tops of those files say how.
final class ScriptedPlaybooks: Sendable {
    let directory: URL

    static let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent()
        .appendingPathComponent("../../..").standardizedFileURL

    init(directory: URL) throws {
        self.directory = directory
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        for (link, double) in [("ansible-playbook", "ansible_playbook_double.py"), ("ssh", "ssh_double.py")] {
            try FileManager.default.createSymbolicLink(
                at: directory.appendingPathComponent(link),
                withDestinationURL: Self.root.appendingPathComponent("Tests/doubles/\(double)"))
        }
        try write("control.json", #"{"rules": []}"#)
        try write("ssh-control.json", #"{"rules": []}"#)
    }

    var environment: [String: String] {
        [
            "TRIVET_ANSIBLE_PLAYBOOK": directory.path + "/ansible-playbook", "TRIVET_SSH": directory.path + "/ssh",
            "TRIVET_ANSIBLE_DIRECTORY": Self.root.appendingPathComponent("deploy/ansible").path,
        ]
    }

    /// Puts rules in force for the runs that start from now on: JSON objects, separated by commas.
    func script(_ rules: String..., paceMilliseconds: Int = 0) throws {
        try write("control.json", #"{"rules": [\#(rules.joined(separator: ","))], "pace_ms": \#(paceMilliseconds)}"#)
    }

    func scriptSSH(_ rules: String...) throws {
        try write("ssh-control.json", #"{"rules": [\#(rules.joined(separator: ","))]}"#)
    }

    /// Lets the runs go on that hold for `name`.
    func release(_ name: String) throws { try write(name, "") }

    /// What the runs did, oldest first.
    func journal(_ file: String = "journal.jsonl") throws -> [JSONValue] {
        guard let data = try? Data(contentsOf: directory.appendingPathComponent(file)) else { return [] }
        let lines = data.split(separator: UInt8(ascii: "\n"))
        return try lines.map { try JSONReader.parse(Array($0), limits: JSONLimits(bytesMax: 16 << 20)) }
    }

    func starts(of job: String? = nil) throws -> [JSONValue] {
        try journal().filter { $0["event"] == "start" && (job == nil || $0["job_id"]?.string == job) }
    }

    func sshCalls() throws -> [JSONValue] { try journal("ssh-journal.jsonl").filter { $0["event"] == "start" } }

    private func write(_ name: String, _ text: String) throws {
        // Renamed into place: a run that starts now reads the old or the new one.
        try Data(text.utf8).write(to: directory.appendingPathComponent(name), options: .atomic)
    }
}
