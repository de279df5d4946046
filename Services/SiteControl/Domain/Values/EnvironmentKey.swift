/// The first eight hexadecimal digits of an environment's id, lower case: part of its preview address and of its names on
/// the node.
public struct EnvironmentKey: Hashable, Sendable {
    public let text: String

    /// - Parameter id: the canonical text of a UUID.
    public init(environmentID id: String) {
        text = String(id.prefix(8)).lowercased()
    }

    /// Name of the Linux user, the database and the database user.
    public var unixName: String { "wp_" + text }
}
