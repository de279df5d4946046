public import Crypto

/// A request that may come twice: who asks for what under which key, and a fingerprint of its content.
public struct IdempotentRequest: Sendable, Hashable {
    public let client: String
    public let method: String
    /// The concrete path: the same key for another path is another key.
    public let path: String
    public let key: IdempotencyKey
    /// Equal for requests that mean the same: SHA-256 of the body, or of its canonical form.
    public let fingerprint: Digest32

    /// - Parameter bodyDigest: SHA-256 of what makes two bodies the same. The fingerprint also covers method, path and client.
    public init(client: String, method: String, path: String, key: IdempotencyKey, bodyDigest: Digest32) {
        self.client = client
        self.method = method
        self.path = path
        self.key = key
        fingerprint = Self.digest([method, path, client, bodyDigest.hex])
    }

    /// What the row is found by: a digest, so that a long path cannot outgrow an index.
    var scope: Digest32 { Self.digest([client, method, path, key.text]) }

    /// Each part with its length before it, so that no two lists give the same bytes.
    private static func digest(_ parts: [String]) -> Digest32 {
        let hash = SHA256()
        for part in parts {
            let bytes = Array(part.utf8)
            withUnsafeBytes(of: UInt64(bytes.count).littleEndian) { hash.update($0) }
            hash.update(bytes)
        }
        return hash.finalize()
    }
}
