import EventLoop

/// The command lines of ssh, as values. Host keys are pinned by the first connection, and nobody is asked for anything.
struct SSHCommand: Sendable {
    /// Absolute.
    let program: String
    /// PATH of the child.
    let path: String

    static func options(knownHosts: String) -> [String] {
        [
            "-o StrictHostKeyChecking=accept-new", "-o UserKnownHostsFile=\(knownHosts)", "-o BatchMode=yes",
            "-o ConnectTimeout=10", "-o IdentitiesOnly=yes",
        ]
    }

    /// - Parameters:
    ///   - home: a private folder, named in the environment of the child.
    ///   - words: of the remote command; each is quoted, so that the shell of the node takes it as it is.
    func run(_ words: [String], on node: NodeRow, keyFile: String, knownHosts: String, home: String) -> ChildCommand {
        var arguments = ["-F", "none", "-T", "-p", "\(node.sshPort)", "-i", keyFile]
        for option in Self.options(knownHosts: knownHosts) + ["-o GlobalKnownHostsFile=none", "-o LogLevel=ERROR"] {
            arguments += ["-o", String(option.dropFirst(3))]
        }
        arguments += ["--", "\(node.sshUser)@\(node.hostname)", words.map(Self.quoted).joined(separator: " ")]
        return ChildCommand(program, arguments, environment: ["PATH": path, "HOME": home, "LANG": "C.UTF-8"])
    }

    /// For a POSIX shell. Words that need no quotes get none, so that people can read the command.
    static func quoted(_ word: String) -> String {
        let isPlain = !word.isEmpty && word.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2B, 0x2D, 0x2E, 0x2F, 0x3A, 0x40, 0x5F: true
            default: false
            }
        }
        return isPlain ? word : "'" + word.replacing("'", with: #"'\''"#) + "'"
    }
}
