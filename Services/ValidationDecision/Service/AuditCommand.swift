import ServiceKit
import ValidationDecisionDomain

/// `validation-decision audit verify [--from N] [--to N]`.
enum AuditCommand {
    private static let from = CommandOption<Int>.defaulted(
        "--from", "N", .integer(in: 1...Int.max), to: 1, help: "first record; the one before it is believed")
    private static let to = CommandOption<Int?>.optional(
        "--to", "N", .integer(in: 1...Int.max), help: "last record, which must exist (the end of the log if not given)")

    static func command(_ schema: ConfigurationSchema) -> ConsoleCommand {
        ConsoleCommand(
            "audit", "inspects the audit log",
            subcommands: [
                ConsoleCommand(
                    "verify", "walks the chain of records and prints the first break",
                    options: [from.declared, to.declared]
                ) { invocation, console in
                    let first = Int64(invocation[from])
                    let last = invocation[to].map { Int64($0) }
                    if let last, last < first { throw CommandFailure("--to is before --from", status: .usage) }
                    let report = try await Tool.run(schema, as: .serving) { tool in
                        try await VerifyAuditChain(store: AuditStore(database: tool.database))(from: first, to: last)
                    }
                    if let found = report.firstBreak {
                        console.line("broken: \(found)")
                        console.line("\(report.recordsChecked) records before it are intact")
                        return .failure
                    }
                    console.line("intact: \(report.recordsChecked) records, the last is \(report.head.sequence) with hash \(report.head.hash)")
                    return .success
                }
            ])
    }
}
