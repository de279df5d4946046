/// Tells by its name whether a key holds a secret.
enum SecretKeyName {
    /// Endings of a name in lower case without `-` and `_`.
    private static let endings: [[UInt8]] = [
        "secret", "secrets", "password", "passwd", "passphrase", "token", "apikey", "accesskey", "secretkey",
        "privatekey", "clientsecret", "credentials", "connectionstring",
    ].map { Array($0.utf8.reversed()) }

    private static let longest = endings.map(\.count).max() ?? 0

    /// `DB_PASSWORD`, `api-key`, `clientSecret`; not `secrets_ref`.
    static func matches(_ key: String) -> Bool {
        // The end of the normalised name, last byte first.
        var tail: [UInt8] = []
        tail.reserveCapacity(longest)
        for byte in trimmed(key[...]).utf8.reversed() where byte != UInt8(ascii: "-") && byte != UInt8(ascii: "_") {
            tail.append((UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte)
            if tail.count == longest { break }
        }
        return endings.contains { tail.starts(with: $0) }
    }
}
