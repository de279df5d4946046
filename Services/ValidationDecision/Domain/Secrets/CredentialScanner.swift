/// Finds credentials by their form, whatever key they stand under.
///
/// Every scan reads a byte a bounded number of times, whatever the text is: prefixes are followed for a fixed number of
/// bytes, tokens with parts are found run by run.
enum CredentialScanner {
    static func containsCredential(_ text: String) -> Bool {
        var text = text
        return text.withUTF8 { bytes in
            guard bytes.count >= shortest else { return false }
            return hasPrefixedToken(bytes) || hasPEMKey(bytes) || hasJWT(bytes) || hasURLPassword(bytes)
        }
    }

    /// No credential is shorter: `s://:p@`.
    private static let shortest = 7

    // MARK: Tokens with a prefix

    private struct Prefix {
        let bytes: [UInt8]
        /// Bytes of the alphabet that must follow.
        let length: Int
        let alphabet: @Sendable (UInt8) -> Bool
        /// Whether a further alphanumeric byte makes it something else.
        let isExact: Bool

        init(_ text: String, _ length: Int, _ alphabet: @escaping @Sendable (UInt8) -> Bool, isExact: Bool = false) {
            self.bytes = Array(text.utf8)
            self.length = length
            self.alphabet = alphabet
            self.isExact = isExact
        }
    }

    /// By first byte. Lengths are minima below those of real tokens, where these have varied.
    private static let prefixes: [UInt8: [Prefix]] = {
        let words = ByteClass.isAlphanumeric
        let base64 = ByteClass.isBase64URL
        var all: [Prefix] = []
        // AWS access key ids: long-term, temporary, bearer and context-specific ones.
        for name in ["AKIA", "ASIA", "ABIA", "ACCA"] {
            all.append(Prefix(name, 16, ByteClass.isUpperOrDigit, isExact: true))
        }
        // GitHub: personal, OAuth, user, server and refresh tokens; fine-grained ones.
        for kind in ["p", "o", "u", "s", "r"] { all.append(Prefix("gh\(kind)_", 20, words)) }
        all.append(Prefix("github_pat_", 20, base64))
        // GitLab: personal, deploy, runner, trigger, job, feed, agent, mail, SCIM and OAuth tokens.
        for kind in ["glpat", "gldt", "glrt", "glptt", "glcbt", "glft", "glagent", "glimt", "glsoat", "gloas"] {
            all.append(Prefix(kind + "-", 16, base64))
        }
        // Slack.
        for kind in ["a", "b", "c", "d", "e", "o", "p", "r", "s"] { all.append(Prefix("xox\(kind)-", 10, base64)) }
        all.append(Prefix("xapp-", 10, base64))
        // Stripe: secret and restricted keys, also of the test mode.
        for kind in ["sk", "rk"] {
            for mode in ["live", "test", "prod"] { all.append(Prefix("\(kind)_\(mode)_", 10, words)) }
        }
        // Google: API keys, OAuth access tokens, OAuth client secrets.
        all.append(Prefix("AIza", 35, base64))
        all.append(Prefix("ya29.", 20, base64))
        all.append(Prefix("GOCSPX-", 20, base64))
        return Dictionary(grouping: all) { $0.bytes[0] }
    }()

    /// A prefix in the middle of a word is none, but `_` and `-` may stand before one: `token_ghp_…`.
    private static func hasPrefixedToken(_ text: UnsafeBufferPointer<UInt8>) -> Bool {
        var previous: UInt8 = 0
        for index in text.indices {
            let byte = text[index]
            defer { previous = byte }
            if ByteClass.isAlphanumeric(previous) { continue }
            guard isPrefixStart(byte), let candidates = prefixes[byte] else { continue }
            if candidates.contains(where: { matches($0, text, at: index) }) { return true }
        }
        return false
    }

    private static func isPrefixStart(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "A"), UInt8(ascii: "G"), UInt8(ascii: "g"), UInt8(ascii: "r"), UInt8(ascii: "s"),
            UInt8(ascii: "x"), UInt8(ascii: "y"):
            true
        default: false
        }
    }

    private static func matches(_ prefix: Prefix, _ text: UnsafeBufferPointer<UInt8>, at start: Int) -> Bool {
        let body = start + prefix.bytes.count
        let end = body + prefix.length
        guard end <= text.count else { return false }
        for (offset, byte) in prefix.bytes.enumerated() where text[start + offset] != byte { return false }
        for index in body..<end where !prefix.alphabet(text[index]) { return false }
        return !prefix.isExact || end == text.count || !ByteClass.isAlphanumeric(text[end])
    }
}
