/// Tells by its name whether a key holds a secret.
enum SecretKeyName {
    /// `DB_PASSWORD`, `api-key`, `clientSecret`; not `secrets_ref`. Case, `-`, `_` and white space around do not count.
    static func matches(_ key: String) -> Bool {
        let tail = Tail(trimmed(key[...]).utf8)
        return endings.contains { tail.ends(in: $0) }
    }

    private static let endings = [
        "secret", "secrets", "password", "passwd", "passphrase", "token", "apikey", "accesskey", "secretkey",
        "privatekey", "clientsecret", "credentials", "connectionstring",
    ].map { Tail($0[...].utf8) }

    /// The last bytes of a normalised name in one number, so that the many keys of a document cost no allocation.
    private struct Tail {
        /// The last byte lowest.
        private var bytes: UInt128 = 0
        private var count = 0

        /// As long as the longest ending.
        private static let countMax = 16

        init(_ name: Substring.UTF8View) {
            for byte in name.reversed() where byte != UInt8(ascii: "-") && byte != UInt8(ascii: "_") {
                let lower = (UInt8(ascii: "A")...UInt8(ascii: "Z")).contains(byte) ? byte | 0x20 : byte
                bytes |= UInt128(lower) << (8 * count)
                count += 1
                if count == Self.countMax { break }
            }
        }

        func ends(in ending: Tail) -> Bool {
            guard count >= ending.count else { return false }
            let unused = 8 * (Self.countMax - ending.count)
            return (bytes << unused) == (ending.bytes << unused)
        }
    }
}
