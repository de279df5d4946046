import Crypto
import Encoding
import Postgres
import ServiceKit

/// `admin create|reset-password`: the people who may sign in.
enum AdminCommands {
    /// Of a password file.
    private static let fileBytesMax = 4096

    private static let email = CommandOption<EmailAddress>.required(
        "--email", "E", ValueParser(expected: EmailAddress.expectation) { EmailAddress($0) }, help: "what they sign in with")
    private static let passwordFile = CommandOption<String>.required(
        "--password-file", "F", .text, help: "file with the password; a line break at its end does not count")

    static func command(_ schema: ConfigurationSchema) -> ConsoleCommand {
        ConsoleCommand(
            "admin", "manages administrators",
            subcommands: [
                ConsoleCommand(
                    "create", "makes an administrator", options: [email.declared, passwordFile.declared]
                ) { invocation, console in
                    let email = invocation[email]
                    let hash = try PasswordHash.make(try password(from: invocation[passwordFile]))
                    let isNew = try await Tool.run(schema, as: .owner) { tool in
                        try await tool.database.execute(insert(email, hash)) == 1
                    }
                    guard isNew else { throw CommandFailure("there is a user \(email.text) already") }
                    console.error("\(email.text) is an administrator")
                    return .success
                },
                ConsoleCommand(
                    "reset-password", "gives an administrator a new password and ends all of their sessions",
                    options: [email.declared, passwordFile.declared]
                ) { invocation, console in
                    let email = invocation[email]
                    let hash = try PasswordHash.make(try password(from: invocation[passwordFile]))
                    let isKnown = try await Tool.run(schema, as: .owner) { tool in
                        try await tool.database.execute(reset(email, hash)) == 1
                    }
                    guard isKnown else { throw CommandFailure("there is no user \(email.text)") }
                    console.error("\(email.text) has a new password")
                    return .success
                },
            ])
    }

    private static func insert(_ email: EmailAddress, _ hash: PasswordHash) -> Command {
        """
        INSERT INTO users (id, email, display_name, role, password_hash)
        VALUES (\(UUID.random()), \(email.text), \(email.text), 'admin', \(hash.text)) ON CONFLICT (email) DO NOTHING
        """
    }

    private static func reset(_ email: EmailAddress, _ hash: PasswordHash) -> Command {
        """
        WITH person AS (
            UPDATE users SET password_hash = \(hash.text), is_active = true, updated_at = now()
            WHERE email = \(email.text) RETURNING id),
        ended AS (
            UPDATE auth_sessions SET revoked_at = now() WHERE revoked_at IS NULL AND user_id IN (SELECT id FROM person))
        SELECT id FROM person
        """
    }

    private static func password(from path: String) throws(CommandFailure) -> String {
        let bytes: [UInt8]
        switch SmallFile.read(path, limit: fileBytesMax) {
        case .success(let read): bytes = read
        case .failure(let failure): throw CommandFailure("the password file \(path) cannot be read: \(failure.text)")
        }
        guard var text = String(validating: bytes, as: UTF8.self) else {
            throw CommandFailure("the password file \(path) is not UTF-8")
        }
        if text.hasSuffix("\n") { text.removeLast() }
        let length = text.unicodeScalars.count
        guard (PasswordHash.newPasswordLengthMin...PasswordHash.passwordLength.upperBound).contains(length),
            text.unicodeScalars.allSatisfy({ $0.value >= 0x20 })
        else {
            throw CommandFailure(
                "a password is \(PasswordHash.newPasswordLengthMin) to \(PasswordHash.passwordLength.upperBound) characters, "
                    + "none of them a control character")
        }
        return text
    }
}
