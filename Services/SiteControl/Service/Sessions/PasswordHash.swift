import Crypto
import Encoding

/// A password as it is stored: scrypt with a salt of its own, in the text form of the PHC string format
/// (`$scrypt$ln=15,r=8,p=1$<salt>$<hash>`), so that the cost can be raised for new passwords later.
struct PasswordHash: Sendable {
    /// In Unicode scalars: what a login takes, and what a new password may have.
    static let passwordLength = 1...1024
    static let newPasswordLengthMin = 8

    let text: String
    private let parameters: Scrypt.Parameters
    private let salt: [UInt8]
    private let key: [UInt8]

    private static let saltBytes = 16
    private static let keyBytes = 32

    /// Hashes a new password. Takes tens of milliseconds: on the blocking pool.
    static func make(_ password: String) throws(CryptoError) -> PasswordHash {
        let salt = SecureRandom.bytes(saltBytes)
        let key = try Scrypt.derive(password: Array(password.utf8), salt: salt, parameters: .interactive, length: keyBytes)
        return PasswordHash(.interactive, salt: salt, key: key)
    }

    /// What a login is checked against where nobody has the e-mail: it costs the same and fits no password.
    static let decoy = PasswordHash(
        .interactive, salt: SecureRandom.bytes(saltBytes), key: SecureRandom.bytes(keyBytes))

    private init(_ parameters: Scrypt.Parameters, salt: [UInt8], key: [UInt8]) {
        self.parameters = parameters
        self.salt = salt
        self.key = key
        text = "$scrypt$ln=\(parameters.cost.trailingZeroBitCount),r=\(parameters.blockSize),p=\(parameters.parallelism)"
            + "$\(Self.unpadded(salt))$\(Self.unpadded(key))"
    }

    /// nil where the text is not one that this type wrote.
    init?(_ text: String) {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false)
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt" else { return nil }
        let costs = parts[2].split(separator: ",").map { $0.split(separator: "=", maxSplits: 1) }
        guard costs.count == 3, costs.allSatisfy({ $0.count == 2 }), costs.map({ $0[0] }) == ["ln", "r", "p"],
            let logarithm = Int(costs[0][1]), (1...30).contains(logarithm), let blockSize = Int(costs[1][1]),
            let parallelism = Int(costs[2][1]), let salt = Self.bytes(parts[3]), !salt.isEmpty,
            let key = Self.bytes(parts[4]), (16...64).contains(key.count)
        else { return nil }
        self.text = text
        parameters = Scrypt.Parameters(cost: 1 << logarithm, blockSize: blockSize, parallelism: parallelism)
        self.salt = salt
        self.key = key
    }

    /// Whether `password` is the one. Takes tens of milliseconds: on the blocking pool.
    func matches(_ password: String) throws(CryptoError) -> Bool {
        let derived = try Scrypt.derive(
            password: Array(password.utf8), salt: salt, parameters: parameters, length: key.count)
        return constantTimeEquals(derived, key)
    }

    private static func unpadded(_ bytes: [UInt8]) -> String {
        String(Base64.encode(bytes).prefix { $0 != "=" })
    }

    private static func bytes(_ text: Substring) -> [UInt8]? {
        Base64.decode(text + String(repeating: "=", count: (4 - text.utf8.count % 4) % 4))
    }
}
