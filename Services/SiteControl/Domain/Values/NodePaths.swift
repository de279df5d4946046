/// Where things of an environment lie on its node (reference 7.3).
public struct NodePaths: Hashable, Sendable {
    public let root: String

    public init(siteID: String, environmentID: String) {
        root = "/var/www/sites/\(siteID)/\(environmentID)"
    }

    public func release(_ name: String) -> String { "\(root)/releases/\(name)" }
}
