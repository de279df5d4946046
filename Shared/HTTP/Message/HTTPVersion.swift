/// The versions this listener speaks.
public enum HTTPVersion: Sendable, Hashable {
    case http10, http11
}
