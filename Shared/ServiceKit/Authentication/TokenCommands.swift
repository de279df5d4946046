import Encoding
import Postgres

/// `token create|list|revoke`.
public enum TokenCommands {
    static let client = CommandOption<String>.required(
        "--client", "CLIENT",
        ValueParser(expected: "1 to 63 letters, digits, dots, hyphens and underscores, beginning with a letter or digit") {
            isClientName($0) ? $0 : nil
        }, help: "the name that limits and records belong to")
    static let lifetime = CommandOption<Int?>.optional(
        "--expires-in-days", "N", .integer(in: 1...36_500), help: "days until the token expires (never if not given)")
    static let tokenID = CommandArgument<TokenID>("TOKEN_ID", TokenID.parser, help: "the id that token list shows")

    /// - Parameters:
    ///   - roles: what `--role` accepts.
    ///   - prefix: first word of new tokens.
    public static func command(
        _ schema: ConfigurationSchema, roles: [String], prefix: StaticString = TokenAuthenticator.defaultPrefix
    ) -> ConsoleCommand {
        let role = CommandOption<String>.required("--role", "ROLE", .choice(roles), help: roles.joined(separator: ", "))
        return ConsoleCommand(
            "token", "manages access tokens",
            subcommands: [
                ConsoleCommand(
                    "create", "makes a token and prints it, this once",
                    options: [client.declared, role.declared, lifetime.declared]
                ) { invocation, console in
                    let (client, role) = (invocation[client], invocation[role])
                    let lifetime = invocation[lifetime].map { Duration.seconds($0 * 86_400) }
                    let token = try await Tool.run(schema, as: .owner) { tool in
                        try await TokenStore(tool.database, prefix: prefix.description).create(
                            client: client, role: role, lifetime: lifetime)
                    }
                    console.line(token.text.reveal())
                    return .success
                },
                ConsoleCommand("list", "shows all tokens, without their secrets") { _, console in
                    let records = try await Tool.run(schema, as: .owner) { tool in
                        try await TokenStore(tool.database).list()
                    }
                    for line in table(records) { console.line(line) }
                    return .success
                },
                ConsoleCommand("revoke", "ends a token", arguments: [tokenID.declared]) { invocation, console in
                    let id = invocation[tokenID]
                    let found = try await Tool.run(schema, as: .owner) { tool in
                        try await TokenStore(tool.database).revoke(id)
                    }
                    guard found else { throw CommandFailure("there is no token \(id)") }
                    console.error("token \(id) is revoked")
                    return .success
                },
            ])
    }

    static func isClientName(_ text: String) -> Bool {
        guard (1...63).contains(text.utf8.count) else { return false }
        return text.utf8.enumerated().allSatisfy { index, byte in
            switch byte {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
                UInt8(ascii: "0")...UInt8(ascii: "9"):
                true
            case UInt8(ascii: "."), UInt8(ascii: "-"), UInt8(ascii: "_"): index > 0
            default: false
            }
        }
    }

    /// Columns under a heading, two blanks apart.
    static func table(_ records: [TokenRecord]) -> [String] {
        var rows = [["ID", "CLIENT", "ROLE", "STATE", "CREATED", "EXPIRES", "LAST USED"]]
        for record in records {
            rows.append([
                record.id, record.client, record.role, record.state.rawValue,
                record.createdAt.formatted(.seconds), record.expiresAt?.formatted(.seconds) ?? "never",
                record.lastUsedAt?.formatted(.seconds) ?? "never",
            ])
        }
        let widths = rows[0].indices.map { column in rows.map { $0[column].count }.max() ?? 0 }
        return rows.map { row in
            row.enumerated().map { column, text in
                column == row.count - 1 ? text : text + String(repeating: " ", count: widths[column] - text.count + 2)
            }.joined()
        }
    }
}
