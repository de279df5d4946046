/// The name of a site or an environment, for people: 1 to 200 characters, not only blanks, no control characters.
public struct DisplayName: Hashable, Sendable {
    /// Unicode scalars.
    public static let lengthMax = 200
    public let text: String

    public init?(_ text: String) {
        guard (1...Self.lengthMax).contains(text.unicodeScalars.count), !text.allSatisfy(\.isWhitespace),
            !PlainText.hasControls(text)
        else { return nil }
        self.text = text
    }
}

enum PlainText {
    static func hasControls(_ text: String) -> Bool {
        text.unicodeScalars.contains { $0.value < 0x20 || (0x7F...0x9F).contains($0.value) }
    }
}
