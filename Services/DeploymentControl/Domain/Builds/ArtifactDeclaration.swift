/// What a client says of an artifact: its size, digest and type, each within the rules (reference 6.5, causes 1 to 3).
public struct ArtifactDeclaration: Sendable, Hashable {
    /// 200 MB, counted as 200 × 1024 × 1024.
    public static let sizeMax: Int64 = 209_715_200

    public let sizeBytes: Int64
    /// 64 hexadecimal digits in lower case.
    public let sha256: String
    public let type: ArtifactType

    /// - Throws: the first rule that is broken, in check order.
    public init(sizeBytes: Int64, sha256: String, contentType: String) throws(ArtifactProblem) {
        guard (1...Self.sizeMax).contains(sizeBytes) else { throw .sizeLimit }
        guard sha256.utf8.count == 64, sha256.utf8.allSatisfy(Self.isHexDigit) else { throw .checksumForm }
        guard let type = ArtifactType(rawValue: contentType), type.rawValue.utf8.elementsEqual(contentType.utf8) else {
            throw .typeNotAllowed
        }
        self.sizeBytes = sizeBytes
        self.sha256 = sha256.lowercased()
        self.type = type
    }

    private static func isHexDigit(_ byte: UInt8) -> Bool {
        (48...57).contains(byte) || (97...102).contains(byte | 0x20)
    }
}
