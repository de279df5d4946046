import Encoding

/// Finds the role in a libpq URI.
enum DatabaseRole {
    /// The user of the authority, or of the `user` parameter; nil where the URI names none.
    static func named(in url: String) -> String? {
        guard let scheme = URLText.schemePart(of: url) else { return nil }
        let rest = url.dropFirst(scheme.count + 3)
        if let question = rest.firstIndex(of: "?") {
            for pair in rest[rest.index(after: question)...].split(separator: "&") where pair.hasPrefix("user=") {
                return decoded(pair.dropFirst(5))
            }
        }
        let end = rest.firstIndex { $0 == "/" || $0 == "?" } ?? rest.endIndex
        guard let at = rest[..<end].lastIndex(of: "@") else { return nil }
        let user = rest[..<at].prefix { $0 != ":" }
        return user.isEmpty ? nil : decoded(user)
    }

    private static func decoded(_ text: Substring) -> String? {
        var bytes: [UInt8] = []
        var rest = Array(text.utf8)[...]
        while let byte = rest.popFirst() {
            guard byte == UInt8(ascii: "%") else {
                bytes.append(byte)
                continue
            }
            guard let high = rest.popFirst().flatMap(Hex.value), let low = rest.popFirst().flatMap(Hex.value) else {
                return nil
            }
            bytes.append(high << 4 | low)
        }
        return String(validating: bytes, as: UTF8.self)
    }
}
