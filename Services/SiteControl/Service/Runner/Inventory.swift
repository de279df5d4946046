/// The inventory of a run: the group `target` with the one host that the job is about (reference 6.3).
struct Inventory {
    /// A host name or user that could mean something else in an inventory or to ssh.
    struct Refused: Error, Hashable, CustomStringConvertible {
        let description: String
    }

    let text: String

    /// - Parameter keyFile: of the private key; nil for a local node that is not reached over ssh.
    init(host: String, port: Int, user: String, keyFile: String?) throws(Refused) {
        guard Self.isPlain(host) else { throw Refused(description: "the node's host name is not acceptable") }
        guard Self.isPlain(user) else { throw Refused(description: "the node's user is not acceptable") }
        let how: String
        if let keyFile {
            guard keyFile.utf8.allSatisfy({ $0 > 0x20 && $0 != 0x22 && $0 != 0x27 && $0 != 0x23 && $0 != 0x7F }) else {
                throw Refused(description: "the scratch directory has a name that an inventory cannot hold")
            }
            how = "ansible_port=\(port) ansible_user=\(user) ansible_ssh_private_key_file=\(keyFile)"
        } else {
            how = "ansible_connection=local"
        }
        text = "[target]\n\(host) \(how)\n"
    }

    /// Letters, digits, dots, hyphens, underscores and colons, no hyphen first: nothing that a shell, ssh or Ansible reads as
    /// an option, a pattern, a range or a quote.
    static func isPlain(_ text: String) -> Bool {
        guard let first = text.utf8.first, first != 0x2D, text.utf8.count <= 253 else { return false }
        return text.utf8.allSatisfy { byte in
            switch byte {
            case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x3A, 0x5F: true
            default: false
            }
        }
    }
}
