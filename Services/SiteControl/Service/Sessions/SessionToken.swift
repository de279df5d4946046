import Crypto
import Encoding
import ServiceKit

/// What a client shows to be let in: 32 random bytes in base64url. Shown once; the table has only its digest.
struct SessionToken: Sendable {
    /// Of the text.
    static let length = 43

    let text: Secret<String>

    static func make() -> SessionToken { SessionToken(unchecked: Base64.encode(SecureRandom.bytes(32), .url)) }

    /// nil for a text of another form.
    init?(_ text: String) {
        guard text.utf8.count == Self.length, Base64.decode(text, .url)?.count == 32 else { return nil }
        self.init(unchecked: text)
    }

    private init(unchecked text: String) { self.text = Secret(text) }
}

/// The key under which session tokens are digested (HMAC-SHA-256): whoever reads the table alone can neither use a session
/// nor tell whether a token that he has is in it.
struct SessionKey: Sendable {
    private let bytes: [UInt8]

    /// - Parameter bytes: 32, the same for all instances on one database.
    init(_ bytes: [UInt8]) { self.bytes = bytes }

    static func make() -> [UInt8] { SecureRandom.bytes(32) }

    /// As `auth_sessions.session_token` has it.
    func digest(of token: SessionToken) -> String {
        HMACSHA256.authenticate(Array(token.text.reveal().utf8), key: bytes).hex
    }
}
