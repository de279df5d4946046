import Crypto
import Encoding

/// A bearer token: `PREFIX_ID_SECRET`. The id is public, finds the token and names it in logs; the secret is 256 random
/// bits, shown once and kept only as its SHA-256. A fast hash is enough for a secret that nobody can guess.
public struct AccessToken: Sendable {
    /// 48 bits, twelve lower-case hexadecimal digits as text.
    public let id: TokenID
    let digest: Digest32
    /// The whole token.
    public let text: Secret<String>

    static let secretLength = 43

    /// A new token.
    /// - Parameter prefix: tells people and secret scanners what it is: `trv`.
    public static func make(prefix: String) -> AccessToken {
        let id = TokenID(number: SecureRandom.next64() >> 16)
        let secret = Base64.encode(SecureRandom.bytes(32), .url)
        return AccessToken(id: id, digest: SHA256.hash(secret), text: Secret("\(prefix)_\(id)_\(secret)"))
    }

    private init(id: TokenID, digest: Digest32, text: Secret<String>) {
        self.id = id
        self.digest = digest
        self.text = text
    }

    /// Splits the text of a token of this form.
    /// - Returns: nil where the text has another form; the secret is a part of `text`.
    static func parse(
        _ text: UnsafeRawBufferPointer, prefix: StaticString
    ) -> (id: TokenID, secret: UnsafeRawBufferPointer)? {
        let prefixLength = prefix.utf8CodeUnitCount
        guard text.count == prefixLength + 1 + TokenID.length + 1 + secretLength else { return nil }
        for index in 0..<prefixLength where text[index] != prefix.utf8Start[index] { return nil }
        let idStart = prefixLength + 1
        let idEnd = idStart + TokenID.length
        guard text[prefixLength] == UInt8(ascii: "_"), text[idEnd] == UInt8(ascii: "_"),
            let id = TokenID(UnsafeRawBufferPointer(rebasing: text[idStart..<idEnd]))
        else { return nil }
        return (id, UnsafeRawBufferPointer(rebasing: text[(idEnd + 1)...]))
    }
}

/// The public name of a token: twelve lower-case hexadecimal digits.
public struct TokenID: Sendable, Hashable, CustomStringConvertible {
    static let length = 12

    /// Below 2⁴⁸.
    let number: UInt64

    init(number: UInt64) { self.number = number & 0xFFFF_FFFF_FFFF }

    init?(_ text: UnsafeRawBufferPointer) {
        guard text.count == Self.length else { return nil }
        var number: UInt64 = 0
        for byte in text {
            guard let digit = Hex.value(of: byte), !(UInt8(ascii: "A")...UInt8(ascii: "F")).contains(byte) else { return nil }
            number = number << 4 | UInt64(digit)
        }
        self.number = number
    }

    public init?(_ text: String) {
        var text = text
        guard let id = text.withUTF8({ TokenID(UnsafeRawBufferPointer($0)) }) else { return nil }
        self = id
    }

    public var description: String {
        String(unsafeUninitializedCapacity: Self.length) { target in
            for index in 0..<Self.length {
                target[index] = Hex.digit(UInt8(truncatingIfNeeded: number >> UInt64(44 - 4 * index) & 15))
            }
            return Self.length
        }
    }

    static var parser: ValueParser<TokenID> {
        ValueParser(expected: "a token id of 12 hexadecimal digits, as token list shows it") { TokenID($0) }
    }
}
