/// One code and every place where it was found.
public struct Reason: Sendable, Hashable {
    public let code: ReasonCode
    /// For people. Names paths and parts, never the value of a secret.
    public let message: String

    public init(_ code: ReasonCode, _ message: String) {
        self.code = code
        self.message = message
    }
}
