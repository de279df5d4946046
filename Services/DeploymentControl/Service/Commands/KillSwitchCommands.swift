import Crypto
import Encoding
import ServiceKit

/// `kill-switch on|off|status`.
enum KillSwitchCommands {
    private static let reason = CommandOption<String?>.optional("--reason", "TEXT", .text, help: "why, for the audit trail")

    static func command(_ schema: ConfigurationSchema) -> ConsoleCommand {
        ConsoleCommand(
            "kill-switch", "refuses all changes while it is on",
            subcommands: [
                turn(true, "on", "refuses all changes from now on", schema),
                turn(false, "off", "allows changes again", schema),
                ConsoleCommand("status", "shows whether changes are refused") { _, console in
                    let (setting, isForced) = try await Tool.run(schema, as: .owner) { tool in
                        (
                            try await SwitchSetting.read(on: tool.database),
                            tool.configuration[ServiceVariables.mutationsDisabled]
                        )
                    }
                    var line = setting.isOn || isForced ? "on" : "off"
                    if isForced { line += ", forced by \(ServiceVariables.mutationsDisabled.name)" }
                    if let at = setting.updatedAt { line += ", set \(setting.isOn ? "on" : "off") by \(setting.updatedBy) at \(at)" }
                    if !setting.reason.isEmpty { line += ": \(setting.reason)" }
                    console.line(line)
                    return .success
                },
            ])
    }

    private static func turn(
        _ isOn: Bool, _ name: String, _ summary: String, _ schema: ConfigurationSchema
    ) -> ConsoleCommand {
        ConsoleCommand(name, summary, options: [reason.declared]) { invocation, console in
            let reason = invocation[reason] ?? ""
            try await Tool.run(schema, as: .owner) { tool in
                try await SwitchSetting.set(
                    isOn, reason: reason, by: "command-line", role: "", requestID: UUID.random().description,
                    on: tool.database)
            }
            console.error("the kill switch is \(name)")
            return .success
        }
    }
}
