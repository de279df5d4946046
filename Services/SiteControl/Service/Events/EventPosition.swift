import Encoding
import HTTP

/// What a client of a stream has seen already: `Last-Event-ID`, which browsers send by themselves when they connect again,
/// or else the parameter `after`.
enum EventPosition {
    /// - Returns: 0 where the client begins.
    static func read(_ request: Request) throws(FieldProblems) -> Int64 {
        let after = try ListQuery.read(request) { $0.value("after", "the number of an event") { number($0) } }
        // A field without a value is what a browser sends that has seen no event.
        guard let field = request.header("Last-Event-ID"), !field.isEmpty else { return after ?? 0 }
        guard let seen = number(field) else {
            throw FieldProblems([FieldProblem(pointer: "/Last-Event-ID", kind: .invalid, message: "must be the number of an event")])
        }
        return seen
    }

    /// The events between would never be seen.
    static func beyond(_ newest: Int64) -> FieldProblems {
        FieldProblems([
            FieldProblem(pointer: "/after", kind: .outOfRange, message: "must be the number of an event; the newest is \(newest)")
        ])
    }

    private static func number(_ text: String) -> Int64? {
        guard (1...18).contains(text.utf8.count), text.utf8.allSatisfy({ (48...57).contains($0) }) else { return nil }
        return Int64(text)
    }
}
