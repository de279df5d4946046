/// What the caller may do. Anything that is not `allow` stops it.
public enum Decision: String, CaseIterable, Sendable, Hashable {
    case allow = "ALLOW"
    case block = "BLOCK"
}
