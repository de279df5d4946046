import Crypto

/// One step of a schema: a numbered SQL file embedded in the executable. Final once merged.
public struct Migration: Sendable, Hashable {
    /// Positive; the order of application.
    public let number: Int
    public let name: String
    /// Statements separated by semicolons, run in one transaction. Must not contain BEGIN, COMMIT or ROLLBACK.
    public let sql: String

    public init(_ number: Int, _ name: String, _ sql: String) {
        self.number = number
        self.name = name
        self.sql = sql
    }

    /// SHA-256 of the text, in hexadecimal digits.
    public var checksum: String { SHA256.hash(sql).hex }
}

/// Why a schema cannot be brought up to date.
public enum MigrationError: Error, Sendable, Hashable {
    /// An applied migration is not the one this executable has under the number.
    case changed(number: Int, name: String)
    /// The database has a migration that this executable does not know: a newer release has been here.
    case unknown(number: Int, name: String)
    /// A migration that was never applied has a lower number than one that was.
    case outOfOrder(number: Int, name: String)
    /// It failed and left nothing behind.
    case failed(number: Int, name: String, DatabaseError)
    /// It ended the transaction that it was run in.
    case leftTransaction(number: Int, name: String)
    case database(DatabaseError)
}

/// How a schema compares with an executable.
public enum SchemaStatus: Sendable, Hashable {
    case current
    /// Numbers that still have to be applied.
    case behind([Int])
    /// Not usable by this executable.
    case incompatible(MigrationError)
}
