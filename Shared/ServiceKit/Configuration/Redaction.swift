/// A value that must never appear in a log line, an error or an answer.
///
/// Every textual form of it is `[redacted]`; only `reveal()` gives the value, so that each disclosure can be found by name.
public struct Secret<Value: Sendable>: Sendable, CustomStringConvertible, CustomDebugStringConvertible,
    CustomReflectable
{
    private let value: Value

    public init(_ value: Value) { self.value = value }

    /// The value itself, for the one place that needs it.
    public func reveal() -> Value { value }

    public var description: String { Redaction.mark }
    public var debugDescription: String { Redaction.mark }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// What stands in place of a secret.
public enum Redaction {
    public static let mark = "[redacted]"

    /// The URL with its password, and any query parameter that holds a secret, replaced by the mark. A text that is no
    /// URL is replaced as a whole: what cannot be understood cannot be known to be free of secrets.
    public static func url(_ text: String) -> String {
        guard let scheme = URLText.schemePart(of: text) else { return mark }
        let afterScheme = text.dropFirst(scheme.count + 3)
        let end = afterScheme.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? afterScheme.endIndex
        var authority = String(afterScheme[..<end])
        // A password may itself hold an unescaped `/` or `?`; then the `@` lies beyond the authority's end.
        if afterScheme[end...].contains("@"), authority.contains(":"), !authority.contains("@") { return "\(scheme)://" + mark }
        if let at = authority.lastIndex(of: "@"), let colon = authority[..<at].firstIndex(of: ":") {
            authority = authority[...colon] + mark + authority[at...]
        }
        return "\(scheme)://" + authority + query(String(afterScheme[end...]))
    }

    private static let secretParameters = ["password", "sslpassword", "passfile", "token", "secret", "signature", "key"]

    private static func query(_ rest: String) -> String {
        guard let mark = rest.firstIndex(of: "?") else { return rest }
        let pairs = rest[rest.index(after: mark)...].split(separator: "&", omittingEmptySubsequences: false)
        let shown = pairs.map { pair -> String in
            guard let equals = pair.firstIndex(of: "=") else { return String(pair) }
            let name = pair[..<equals].lowercased()
            let hidden = secretParameters.contains { name.hasSuffix($0) } || name.contains("%")
            return hidden ? pair[...equals] + Redaction.mark : String(pair)
        }
        return rest[...mark] + shown.joined(separator: "&")
    }
}
