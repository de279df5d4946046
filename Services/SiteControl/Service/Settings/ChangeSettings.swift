import Crypto
import Encoding
import EventLoop
import Postgres

/// Changes settings, and looks at what results as a whole. Later environments and later provisioning go by it.
///
/// Credentials go to the secret store before the row says that they are there, and leave it after the row is gone: a row never
/// promises what is not kept.
struct ChangeSettings: Sendable {
    let database: Database
    let secrets: SecretStore
    /// For the secret store, which blocks.
    let pool: BlockingPool

    /// - Parameter actor: nil for the command line.
    /// - Throws: `FieldProblems` where the result does not go together.
    @discardableResult
    func callAsFunction(_ change: SettingsChange, by actor: Actor?) async throws -> Settings {
        // Nothing is written for a change that is refused.
        try Self.check(try await Settings.read(from: database).applying(change))
        if case .set(let credentials) = change.dns01Credentials {
            try await pool.run { [secrets] in try secrets.write(.dnsCredentials, Array(credentials.utf8)) }
        }
        let settings = try await database.transaction { transaction in
            try await transaction.execute(Settings.lock)
            let next = try await Settings.read(from: transaction).applying(change)
            try Self.check(next)
            var commands = change.keys.map { Settings.write($0, next[$0]) }
            if let actor {
                let keys = change.keys.map(\.rawValue).joined(separator: ",")
                commands.append(AuditLog.append(.random(), actor, .settingsUpdate, .setting, keys, .succeeded))
            }
            _ = try await transaction.group(commands)
            return next
        }
        if change.dns01Credentials == .remove {
            try await pool.run { [secrets] in _ = try secrets.remove(.dnsCredentials) }
        }
        return settings
    }

    private static func check(_ settings: Settings) throws(FieldProblems) {
        let problems = settings.problems
        guard problems.isEmpty else { throw FieldProblems(problems) }
    }
}
