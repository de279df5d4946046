import HTTP
import ServiceKit

/// The cookie that a browser keeps a session in (reference 8.10).
struct SessionCookie: Sendable {
    static let name = "session_token"

    /// What the cookies of a request say.
    enum Found: Sendable, Equatable {
        case none
        case one(String)
        /// Two different ones: nobody can tell which of them this site has set.
        case several
    }

    /// Whole seconds: as long as the session itself.
    let lifetime: Int
    let isSecure: Bool

    func setting(_ token: SessionToken) -> String { field(token.text.reveal(), maxAge: lifetime) }

    var clearing: String { field("", maxAge: 0) }

    private func field(_ value: String, maxAge: Int) -> String {
        "\(Self.name)=\(value); Path=/; Max-Age=\(maxAge); HttpOnly; SameSite=Lax" + (isSecure ? "; Secure" : "")
    }

    /// Reads the `Cookie` fields (RFC 6265 §4.2); quotes around a value are a part of it.
    static func read(_ request: Request) -> Found {
        var found = Found.none
        guard request.headerCount("Cookie") > 0 else { return found }
        for field in request.headers("Cookie") {
            for pair in field.split(separator: ";") {
                guard let equals = pair.firstIndex(of: "="), trimmed(pair[..<equals]) == name else { continue }
                let value = String(trimmed(pair[pair.index(after: equals)...]))
                if value.isEmpty || found == .one(value) { continue }
                found = found == .none ? .one(value) : .several
            }
        }
        return found
    }

    private static func trimmed(_ text: Substring) -> Substring {
        var text = text
        while text.first == " " || text.first == "\t" { text.removeFirst() }
        while text.last == " " || text.last == "\t" { text.removeLast() }
        return text
    }
}
