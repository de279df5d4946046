import DeploymentControlDomain
import Encoding
import HTTP

/// Reads query parameters: each at most once, an empty value counts as absent, unknown names are ignored.
struct QueryReader {
    private let parameters: QueryParameters

    init(_ request: Request) throws(Refusal) {
        do throws(QueryError) {
            parameters = try request.query
        } catch {
            throw .invalid("The query is malformed.")
        }
    }

    func text(_ name: String) throws(Refusal) -> String? {
        let found = parameters.values(name)
        guard found.count <= 1 else { throw .invalid("\(name) must be given once at most.") }
        guard let text = found.first, !text.isEmpty else { return nil }
        // PostgreSQL has no such text.
        guard !text.utf8.contains(0) else { throw .invalid("\(name) must not hold U+0000.") }
        return text
    }

    func value<Value>(_ name: String, _ expected: String, _ convert: (String) -> Value?) throws(Refusal) -> Value? {
        guard let text = try text(name) else { return nil }
        guard let value = convert(text) else { throw .invalid("\(name) must be \(expected).") }
        return value
    }

    func limit(default fallback: Int, max: Int) throws(Refusal) -> Int {
        try value("limit", "an integer from 1 to \(max)") { text in
            guard let number = Int(pathParameter: text), (1...max).contains(number) else { return nil }
            return number
        } ?? fallback
    }

    /// `Link: <…>; rel="next"`: the same query with its own `before`; relative, so that it holds behind any proxy.
    static func nextPage(_ request: Request, before cursor: String) -> String {
        var query = "before=\(cursor)"
        for part in (request.rawQuery ?? "").split(separator: "&") where !part.hasPrefix("before=") { query += "&\(part)" }
        return "<\(request.rawPath)?\(query)>; rel=\"next\""
    }
}
