/// One value of a body on its way into a type. Every reading notes a problem and gives nil where the value does not fit.
public struct JSONField {
    /// Nil where the member is missing.
    public let value: JSONValue?
    let parent: JSONPath
    /// The last step of the way; nil at the root.
    let token: JSONPointer.Token?
    let collector: ProblemCollector

    private var path: JSONPath {
        switch token {
        case nil: parent
        case .key(let key): .key(parent, key)
        case .index(let index): .index(parent, index)
        }
    }

    /// RFC 6901.
    public var pointer: String { path.pointer }

    /// Notes a problem of this value. Gives nil, to be returned.
    @discardableResult
    public func problem<Output>(_ kind: FieldProblem.Kind = .invalid, _ message: String) -> Output? {
        collector.add(kind, at: path, message)
        return nil
    }

    private func present() -> JSONValue? {
        guard let value else { return problem(.missing, "is required") }
        return value
    }

    private func mismatch<Output>(_ value: JSONValue, _ expected: String) -> Output? {
        problem(.wrongType, "must be \(expected), not \(value.typeName)")
    }

    /// Any value, null included.
    public func any() -> JSONValue? { present() }

    /// - Parameter length: in Unicode scalars.
    public func string(length: ClosedRange<Int> = 0...Int.max) -> String? {
        guard let value = present() else { return nil }
        guard case .string(let text) = value else { return mismatch(value, "a string") }
        // A scalar takes one to four bytes: most texts need no counting.
        let bytes = text.utf8.count
        if bytes <= length.upperBound, bytes / 4 >= length.lowerBound { return text }
        let count = text.unicodeScalars.count
        guard length.contains(count) else {
            return problem(.outOfRange, "must be \(Self.span(length)) characters long, not \(count)")
        }
        return text
    }

    /// A string that `convert` turns into something.
    /// - Parameter expects: what the text must be, for people: "a host name".
    public func string<Output>(as convert: (String) -> Output?, expects: String) -> Output? {
        guard let text = string() else { return nil }
        guard let output = convert(text) else { return problem(.invalid, "must be \(expects)") }
        return output
    }

    public func uuid() -> UUID? { string(as: { UUID($0) }, expects: "a UUID") }

    public func timestamp() -> Timestamp? { string(as: { Timestamp($0) }, expects: "an RFC 3339 date and time") }

    public func enumeration<Output: RawRepresentable & CaseIterable>(_ type: Output.Type) -> Output?
    where Output.RawValue == String {
        guard let text = string() else { return nil }
        guard let output = Output(rawValue: text), sameBytes(output.rawValue, text) else {
            return problem(.invalid, "must be one of \(Output.allCases.map(\.rawValue).joined(separator: ", "))")
        }
        return output
    }

    public func bool() -> Bool? {
        guard let value = present() else { return nil }
        guard case .bool(let flag) = value else { return mismatch(value, "a boolean") }
        return flag
    }

    /// An integer, also written as `1.0` or `1e3`.
    public func int(in range: ClosedRange<Int> = Int.min...Int.max) -> Int? {
        guard let value = present() else { return nil }
        guard case .number(let number) = value else { return mismatch(value, "an integer") }
        if let int = number.int, range.contains(int) { return int }
        guard number.int != nil || number.isPlainInteger else { return problem(.wrongType, "must be an integer") }
        guard range != Int.min...Int.max else { return problem(.outOfRange, "must fit in 64 bits") }
        return problem(.outOfRange, "must be \(Self.span(range))")
    }

    /// A finite number.
    public func double(in range: ClosedRange<Double>? = nil) -> Double? {
        guard let value = present() else { return nil }
        guard case .number(let number) = value else { return mismatch(value, "a number") }
        guard let double = number.double else { return problem(.outOfRange, "must be a finite number") }
        guard range?.contains(double) != false else {
            return problem(.outOfRange, range.map { "must be \($0.lowerBound) to \($0.upperBound)" } ?? "is out of range")
        }
        return double
    }

    /// An object of its own, with pointers that go on from here.
    public func object<Output>(
        unknownKeys: ObjectReader.UnknownKeys = .refuse, _ body: (ObjectReader) -> Output?
    ) -> Output? {
        guard let value = present() else { return nil }
        guard case .object(let object) = value else { return mismatch(value, "an object") }
        let reader = ObjectReader(object, path: path, collector: collector)
        let output = body(reader)
        if unknownKeys == .refuse { reader.noteUnknownKeys() }
        return output
    }

    /// Every element through `element`; nil where one of them is nil.
    public func array<Output>(count: ClosedRange<Int> = 0...Int.max, _ element: (JSONField) -> Output?) -> [Output]? {
        guard let value = present() else { return nil }
        guard case .array(let elements) = value else { return mismatch(value, "an array") }
        guard count.contains(elements.count) else {
            return problem(.outOfRange, "must have \(Self.span(count)) elements, not \(elements.count)")
        }
        let path = path
        var outputs: [Output] = []
        outputs.reserveCapacity(elements.count)
        for (index, value) in elements.enumerated() {
            let field = JSONField(value: value, parent: path, token: .index(index), collector: collector)
            if let output = element(field) { outputs.append(output) }
        }
        return outputs.count == elements.count ? outputs : nil
    }

    private static func span(_ range: ClosedRange<Int>) -> String {
        if range.lowerBound == range.upperBound { return "exactly \(range.lowerBound)" }
        if range.upperBound == .max { return "at least \(range.lowerBound)" }
        if range.lowerBound == .min { return "at most \(range.upperBound)" }
        return "\(range.lowerBound) to \(range.upperBound)"
    }
}
