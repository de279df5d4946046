/// A whole response as a test sees it.
public struct TestResponse: Sendable {
    public var status: Int
    /// In order of arrival, names in lower case.
    public var fields: [(name: String, value: String)]
    public var body: [UInt8]
    /// The server said that the connection ends here.
    public var closes: Bool

    public func field(_ name: String) -> String? {
        fields.first { $0.name == name.lowercased() }?.value
    }

    public var text: String { String(decoding: body, as: UTF8.self) }
}

/// What a server sent that is no HTTP, or nothing at all.
public enum TestClientError: Error, Equatable {
    /// The connection ended before a whole response; the bytes so far.
    case ended(afterBytes: Int)
    case malformed(String)
}
