/// Where a deployment's code comes from: 1 to 2048 characters, no control characters, no option of a command line.
public struct SourceReference: Hashable, Sendable {
    /// Unicode scalars.
    public static let lengthMax = 2048
    public let text: String

    public init?(_ text: String) {
        guard (1...Self.lengthMax).contains(text.unicodeScalars.count), !PlainText.hasControls(text), text.utf8.first != 0x2D
        else { return nil }
        // What follows `#` is a branch: it must not read as an option either.
        if let hash = text.firstIndex(of: "#"), text[text.index(after: hash)...].hasPrefix("-") { return nil }
        self.text = text
    }
}
