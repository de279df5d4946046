/// One thing wrong with one value of a body. Never quotes the value.
public struct FieldProblem: Hashable, Sendable {
    /// Stable names: they may go to a client.
    public enum Kind: String, Sendable, CaseIterable {
        case missing
        case wrongType = "wrong_type"
        /// A number outside its range, a text or an array outside its length.
        case outOfRange = "out_of_range"
        /// Right type, unacceptable content.
        case invalid
        case unknownField = "unknown_field"
    }

    /// Where, RFC 6901; empty for the body itself.
    public let pointer: String
    public let kind: Kind
    /// A phrase for people that goes after the pointer: "must be a string, not a number".
    public let message: String

    public init(pointer: String, kind: Kind, message: String) {
        self.pointer = pointer
        self.kind = kind
        self.message = message
    }
}

extension FieldProblem: CustomStringConvertible {
    public var description: String { "\(pointer.isEmpty ? "body" : pointer): \(message)" }
}

/// Everything that is wrong with a body, in the order in which it was looked at; never empty.
public struct FieldProblems: Error, Hashable, Sendable {
    public let problems: [FieldProblem]

    /// Problems past this many are not gathered.
    public static let countMax = 100

    public init(_ problems: [FieldProblem]) { self.problems = problems }
}

/// Gathers problems while a body is read.
final class ProblemCollector {
    private(set) var problems: [FieldProblem] = []

    func add(_ kind: FieldProblem.Kind, at path: JSONPath, _ message: String) {
        guard problems.count < FieldProblems.countMax else { return }
        problems.append(FieldProblem(pointer: path.pointer, kind: kind, message: message))
    }
}

/// The way to a value. Turned into text only where there is a problem.
indirect enum JSONPath {
    case root
    case key(JSONPath, String)
    case index(JSONPath, Int)

    var pointer: String {
        var tokens: [JSONPointer.Token] = []
        var path = self
        while true {
            switch path {
            case .root:
                return JSONPointer.text(tokens.reversed())
            case .key(let parent, let key):
                tokens.append(.key(key))
                path = parent
            case .index(let parent, let index):
                tokens.append(.index(index))
                path = parent
            }
        }
    }
}
