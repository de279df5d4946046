/// Names the set of rules a decision was made with. Any change of a rule that can change a decision changes it.
public struct PolicyVersion: RawRepresentable, Sendable, Hashable, CustomStringConvertible {
    public let rawValue: String

    public init(rawValue: String) { self.rawValue = rawValue }

    /// The rules of this build.
    public static let builtIn = PolicyVersion(rawValue: "2026.01")

    public var description: String { rawValue }
}
