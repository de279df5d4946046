import Encoding
import EventLoop
import Postgres
import ServiceKit
import SiteControlDomain

/// `node add|list|provision`: the machines that sites run on.
enum NodeCommands {
    private static let name = CommandOption<String>.required("--name", "N", nameParser, help: "what it is called here")
    private static let host = CommandOption<String>.required(
        "--host", "H", ValueParser(expected: "a host name or an address") { NodeDraft.isHost($0) ? $0 : nil },
        help: "where its SSH server answers")
    private static let user = CommandOption<String>.required(
        "--ssh-user", "U", ValueParser(expected: "a user name") { NodeDraft.isUser($0) ? $0 : nil },
        help: "who signs in there; may become root with sudo")
    private static let port = CommandOption<Int>.defaulted(
        "--ssh-port", "P", .integer(in: 1...65_535), to: 22, help: "of its SSH server (22 if not given)")
    private static let keyFile = CommandOption<String>.required(
        "--ssh-key-file", "F", .text, help: "private key; kept in the secret store")
    private static let hostKeyFile = CommandOption<String?>.optional(
        "--host-key-file", "F", .text, help: "the node's public host keys; without it, ssh takes those of the first contact")
    private static let publicIP = CommandOption<String?>.optional(
        "--public-ip", "IP", ValueParser(expected: "an IPv4 address") { IPv4Address($0)?.text },
        help: "under which the world reaches its sites")
    private static let isLocal = CommandOption<Bool>.flag("--local", help: "it is the machine that this service runs on")
    private static let nodeName = CommandArgument<String>("NAME", nameParser, help: "the node")

    private static let nameParser = ValueParser<String>(
        expected: "1 to 63 letters, digits, dots, hyphens and underscores, beginning with a letter or digit"
    ) { NodeDraft.isName($0) ? $0 : nil }

    static func command(_ schema: ConfigurationSchema) -> ConsoleCommand {
        ConsoleCommand(
            "node", "manages the machines that sites run on",
            subcommands: [
                ConsoleCommand(
                    "add", "registers a node and prints its id",
                    options: [
                        name.declared, host.declared, user.declared, port.declared, keyFile.declared, hostKeyFile.declared,
                        publicIP.declared, isLocal.declared,
                    ]
                ) { invocation, console in
                    let draft = NodeDraft(
                        name: invocation[name], host: invocation[host], user: invocation[user], port: invocation[port],
                        publicIP: invocation[publicIP], isLocal: invocation[isLocal])
                    let key = try NodeKeyFile.privateKey(invocation[keyFile])
                    let hostKeys = try invocation[hostKeyFile].map { path throws(CommandFailure) in
                        try NodeKeyFile.knownHosts(path, host: draft.host, port: draft.port)
                    }
                    let id = try await Tool.run(schema, as: .owner) { tool in
                        try await RegisterNode(database: tool.database, secrets: try SecretStore(tool.configuration))(
                            draft, key: key, knownHosts: hostKeys)
                    }
                    console.line(id.description)
                    return .success
                },
                ConsoleCommand("list", "shows all nodes") { _, console in
                    let nodes = try await Tool.run(schema, as: .owner) { tool in
                        try await tool.database.query(NodeRow.all)
                    }
                    for node in nodes { console.line(line(node)) }
                    return .success
                },
                ConsoleCommand(
                    "provision", "queues the job that sets a node up and prints its id", arguments: [nodeName.declared]
                ) { invocation, console in
                    let name = invocation[nodeName]
                    let job = try await Tool.run(schema, as: .owner) { tool in
                        guard let node = try await tool.database.first(NodeRow.named(name)) else {
                            throw CommandFailure("there is no node \(name)")
                        }
                        return try await provision(node, tool)
                    }
                    console.line(job.description)
                    return .success
                },
            ])
    }

    private static func provision(_ node: NodeRow, _ tool: Tool) async throws -> UUID {
        do {
            return try await ProvisionNode(database: tool.database, maxAttempts: tool.configuration[ServiceVariables.jobMaxAttempts])(
                node.id, by: nil)
        } catch let refusal as Refusal {
            throw CommandFailure("node \(node.name): \(refusal)")
        }
    }

    /// Tab-separated: id, name, user, host and port, state, public address, whether it is this machine.
    private static func line(_ node: NodeRow) -> String {
        [
            node.id.description, node.name, "\(node.sshUser)@\(node.hostname):\(node.sshPort)", node.status.rawValue,
            node.publicIP ?? "-", node.isLocal ? "local" : "-",
        ].joined(separator: "\t")
    }
}
