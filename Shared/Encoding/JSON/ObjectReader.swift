/// Takes a body apart and gathers every problem on the way, so that a client learns all of them at once.
///
///     let draft = try ObjectReader.read(body) { object in
///         let name = object.field("name").string(length: 1...63)
///         let port = object.field("port").int(in: 1...65_535)
///         let note = object.optional("note")?.string()
///         guard let name, let port else { return nil }
///         return Draft(name: name, port: port, note: note)
///     }
///
/// Each reading gives nil where a problem was noted. The result counts only when there was none.
public final class ObjectReader {
    public enum UnknownKeys: Sendable {
        /// A member that was not asked for is a problem.
        case refuse
        case ignore
    }

    private let object: JSONObject
    private let path: JSONPath
    private let collector: ProblemCollector
    /// Positions of members asked for; unknown ones are what remains. One bit each, and a set from the 65th on.
    private var asked: UInt64 = 0
    private var askedBeyond: Set<Int> = []

    init(_ object: JSONObject, path: JSONPath, collector: ProblemCollector) {
        self.object = object
        self.path = path
        self.collector = collector
    }

    /// Reads an object. Throws every problem found; `body` returning nil without a problem is noted as one too.
    public static func read<Output>(
        _ value: JSONValue, unknownKeys: UnknownKeys = .refuse, _ body: (ObjectReader) -> Output?
    ) throws(FieldProblems) -> Output {
        let collector = ProblemCollector()
        let field = JSONField(value: value, parent: .root, token: nil, collector: collector)
        let output = field.object(unknownKeys: unknownKeys, body)
        guard collector.problems.isEmpty else { throw FieldProblems(collector.problems) }
        guard let output else {
            throw FieldProblems([FieldProblem(pointer: "", kind: .invalid, message: "is not acceptable")])
        }
        return output
    }

    /// A member that must be there and not null.
    public func field(_ key: String) -> JSONField {
        JSONField(value: take(key), parent: path, token: .key(key), collector: collector)
    }

    /// A member that may be missing or null: nil then.
    public func optional(_ key: String) -> JSONField? {
        guard let value = take(key), !value.isNull else { return nil }
        return JSONField(value: value, parent: path, token: .key(key), collector: collector)
    }

    /// Whether the member is there, null included. Counts as asked for.
    public func has(_ key: String) -> Bool { take(key) != nil }

    /// Notes a problem of the member `key`, for example one that depends on other members.
    public func problem(_ key: String, _ kind: FieldProblem.Kind = .invalid, _ message: String) {
        collector.add(kind, at: .key(path, key), message)
    }

    /// Notes a problem of this object.
    public func problem(_ kind: FieldProblem.Kind = .invalid, _ message: String) {
        collector.add(kind, at: path, message)
    }

    private func take(_ key: String) -> JSONValue? {
        guard let position = object.position(of: key) else { return nil }
        if position < 64 { asked |= 1 << UInt64(position) } else { askedBeyond.insert(position) }
        return object.members[position].value
    }

    func noteUnknownKeys() {
        guard asked.nonzeroBitCount + askedBeyond.count < object.count else { return }
        for position in object.members.indices {
            let isKnown = position < 64 ? asked & 1 << UInt64(position) != 0 : askedBeyond.contains(position)
            if !isKnown { collector.add(.unknownField, at: .key(path, object.members[position].key), "is not a known field") }
        }
    }
}
