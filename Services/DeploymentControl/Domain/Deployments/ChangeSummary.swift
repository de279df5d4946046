/// Why a deployment is made, for people: 1 to 240 Unicode scalars, not blank. Kept as the caller sent it.
public struct ChangeSummary: Sendable, Hashable, CustomStringConvertible {
    public static let scalarsMax = 240

    public enum Problem: Error, Sendable, Hashable {
        case blank
        case tooLong
    }

    public let text: String

    public init(_ text: String) throws(Problem) {
        guard text.unicodeScalars.contains(where: { !$0.properties.isWhitespace }) else { throw .blank }
        guard text.unicodeScalars.count <= Self.scalarsMax else { throw .tooLong }
        self.text = text
    }

    /// The one that a rollback gets when its caller gives none.
    public init(rollbackOf target: String, to version: Version) {
        text = String(String.UnicodeScalarView("Roll back \(target) to \(version)".unicodeScalars.prefix(Self.scalarsMax)))
    }

    public var description: String { text }
}
