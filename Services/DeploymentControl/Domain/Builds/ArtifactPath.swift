/// Where an artifact lies below a store's root: `{service}/{version}/{sha256}.{extension}`. The name tells the content, so
/// two different artifacts never have one name.
public struct ArtifactPath: Sendable, Hashable, CustomStringConvertible {
    public let service: ServiceName
    public let version: Version
    /// 64 hexadecimal digits in lower case.
    public let sha256: String
    public let type: ArtifactType

    public init(service: ServiceName, version: Version, declaration: ArtifactDeclaration) {
        self.service = service
        self.version = version
        sha256 = declaration.sha256
        type = declaration.type
    }

    /// Reads exactly what `text` of some path gives; every other text is nil.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", maxSplits: 3, omittingEmptySubsequences: false)
        guard parts.count == 3 else { return nil }
        self.init(service: String(parts[0]), version: String(parts[1]), fileName: String(parts[2]))
    }

    /// From the three components.
    public init?(service: String, version: String, fileName: String) {
        guard let service = ServiceName(service), let version = Version(version),
            let type = ArtifactType.allCases.first(where: { fileName.utf8.count == 65 + $0.fileExtension.utf8.count
                && fileName.hasSuffix(".\($0.fileExtension)") })
        else { return nil }
        let digits = fileName.utf8.prefix(64)
        guard digits.allSatisfy({ (48...57).contains($0) || (97...102).contains($0) }) else { return nil }
        self.service = service
        self.version = version
        sha256 = String(Substring(digits))
        self.type = type
    }

    public var fileName: String { "\(sha256).\(type.fileExtension)" }
    public var text: String { "\(service.text)/\(version.text)/\(fileName)" }
    public var description: String { text }
}
