import Encoding
import HTTP

/// Reads the parameters of a list: each once at most, none that is not known. Gathers every problem.
final class ListQuery {
    static let limitMax = 1000
    static let limitDefault = 200
    /// Characters of one value.
    static let textMax = 512

    private let parameters: QueryParameters
    private var problems: [FieldProblem] = []
    private var asked: Set<String> = []

    /// Reads a request's parameters. Throws every problem found.
    static func read<Output>(_ request: Request, _ body: (ListQuery) -> Output) throws(FieldProblems) -> Output {
        let query: ListQuery
        do throws(QueryError) {
            query = ListQuery(try request.query)
        } catch {
            throw FieldProblems([FieldProblem(pointer: "", kind: .invalid, message: "the query is malformed")])
        }
        let output = body(query)
        query.refuseUnknown()
        guard query.problems.isEmpty else { throw FieldProblems(query.problems) }
        return output
    }

    private init(_ parameters: QueryParameters) { self.parameters = parameters }

    /// - Parameter expected: what the text must be, for people: "a UUID".
    func value<Value>(_ name: String, _ expected: String, _ convert: (String) -> Value?) -> Value? {
        asked.insert(name)
        let found = parameters.values(name)
        guard let text = found.first else { return nil }
        guard found.count == 1 else { return problem(name, .invalid, "must be given once at most") }
        guard text.unicodeScalars.count <= Self.textMax, !text.utf8.contains(0), let value = convert(text) else {
            return problem(name, .invalid, "must be \(expected)")
        }
        return value
    }

    func uuid(_ name: String) -> UUID? { value(name, "a UUID") { UUID($0) } }

    func text(_ name: String) -> String? { value(name, "text of 1 to \(Self.textMax) characters") { $0.isEmpty ? nil : $0 } }

    func choice<Choice: RawRepresentable & CaseIterable>(_ name: String, _ type: Choice.Type) -> Choice?
    where Choice.RawValue == String {
        value(name, "one of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))") { Choice(rawValue: $0) }
    }

    /// Rows of a page.
    func limit() -> Int {
        value("limit", "a whole number from 1 to \(Self.limitMax)") { text in
            guard let number = Int(pathParameter: text), (1...Self.limitMax).contains(number) else { return nil }
            return number
        } ?? Self.limitDefault
    }

    func cursor() -> PageCursor? { value("cursor", "a cursor that Link has given") { PageCursor($0) } }

    private func problem<Output>(_ name: String, _ kind: FieldProblem.Kind, _ message: String) -> Output? {
        problems.append(FieldProblem(pointer: "/\(name)", kind: kind, message: message))
        return nil
    }

    private func refuseUnknown() {
        var named: Set<String> = []
        for parameter in parameters.all where !asked.contains(parameter.name) && named.insert(parameter.name).inserted {
            guard problems.count < FieldProblems.countMax else { return }
            problems.append(
                FieldProblem(
                    pointer: "/\(parameter.name.prefix(64))", kind: .unknownField, message: "is not a known parameter"))
        }
    }
}
