import Encoding
import EventLoop
import ServiceKit

/// `settings get|set`.
enum SettingsCommands {
    private static let key = CommandArgument<SettingKey>(
        "KEY", ValueParser(expected: "one of " + SettingKey.allCases.map(\.rawValue).joined(separator: ", ")) { SettingKey(rawValue: $0) },
        help: SettingKey.allCases.map(\.rawValue).joined(separator: ", "))
    private static let value = CommandArgument<String>(
        "VALUE", .text,
        help: "the new value; empty to take it away; @FILE reads it from a file, as credentials should be")
    /// Of a value in a file.
    private static let fileBytesMax = 64 * 1024

    static func command(_ schema: ConfigurationSchema) -> ConsoleCommand {
        ConsoleCommand(
            "settings", "shows and changes what operators may set",
            subcommands: [
                ConsoleCommand("get", "shows all settings, of the credentials only whether there are any") { _, console in
                    let settings = try await Tool.run(schema, as: .owner) { tool in
                        try await Settings.read(from: tool.database)
                    }
                    var json = JSONWriter()
                    settings.encode(to: &json)
                    console.line(String(decoding: json.finish(), as: UTF8.self))
                    return .success
                },
                ConsoleCommand("set", "changes a setting", arguments: [key.declared, value.declared]) {
                    invocation, console in
                    let change = try wanted(invocation[key], try text(invocation[value]))
                    try await Tool.run(schema, as: .owner) { tool in
                        let changeSettings = ChangeSettings(
                            database: tool.database, secrets: try SecretStore(tool.configuration),
                            pool: BlockingPool(threads: 1))
                        do {
                            try await changeSettings(change, by: nil)
                        } catch let problems as FieldProblems {
                            throw failure(problems)
                        }
                    }
                    console.error("\(invocation[key].rawValue) is set")
                    return .success
                },
            ])
    }

    private static func text(_ argument: String) throws(CommandFailure) -> String {
        guard argument.hasPrefix("@") else { return argument }
        let path = String(argument.dropFirst())
        switch SmallFile.read(path, limit: fileBytesMax) {
        case .success(let bytes):
            guard var text = String(validating: bytes, as: UTF8.self) else { throw CommandFailure("\(path) is not UTF-8") }
            if text.hasSuffix("\n") { text.removeLast() }
            return text
        case .failure(let failure): throw CommandFailure("\(path) cannot be read: \(failure.text)")
        }
    }

    /// The same reading as of a request.
    private static func wanted(_ key: SettingKey, _ text: String) throws(CommandFailure) -> SettingsChange {
        var body = JSONObject()
        body[key.rawValue] = .string(text)
        if text.isEmpty { body[key.rawValue] = .null } else if key == .dns01Credentials {
            guard let json = try? JSONReader.parse(Array(text.utf8)) else { throw CommandFailure("\(key.rawValue) is not JSON") }
            body[key.rawValue] = json
        }
        do throws(FieldProblems) {
            return try SettingsChange.read(body)
        } catch {
            throw failure(error)
        }
    }

    private static func failure(_ problems: FieldProblems) -> CommandFailure {
        CommandFailure(problems.problems.map { "\($0.pointer.dropFirst()) \($0.message)" }.joined(separator: "; "))
    }
}
