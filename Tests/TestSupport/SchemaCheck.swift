public import Encoding

/// Holds JSON against a schema of the contract, for the keywords of JSON Schema that the contract uses. A keyword that
/// says something and is not known here is a problem of its own: nothing passes because it was not looked at.
public struct SchemaCheck {
    private let root: YAMLNode

    /// - Parameter root: of the document that the schemas' references lead into.
    public init(root: YAMLNode) { self.root = root }

    /// One line each; none where the value fits.
    public func problems(of value: JSONValue, _ schema: YAMLNode, at path: String = "") -> [String] {
        guard case .mapping(let keywords) = schema.content else { return ["\(path): the schema is no mapping"] }
        var found: [String] = []
        for entry in keywords.entries {
            found += problems(of: value, entry.key.text, entry.value, in: schema, at: path)
        }
        return found
    }

    private func problems(
        of value: JSONValue, _ keyword: String, _ rule: YAMLNode, in schema: YAMLNode, at path: String
    ) -> [String] {
        switch keyword {
        case "description", "title", "example", "examples", "default", "contentMediaType": return []
        case "then", "else": return []  // With "if".
        case "$ref":
            guard let target = try? schema.dereferenced(in: root) else {
                return ["\(path): \(rule.text ?? "") leads nowhere"]
            }
            return problems(of: value, target, at: path)
        case "type":
            let types = rule.sequence?.compactMap(\.text) ?? [rule.text ?? ""]
            return types.contains { isType($0, value) } ? [] : ["\(path): \(value.typeName), not \(types)"]
        case "const": return equal(value, rule) ? [] : ["\(path): is not \(rule.text ?? "")"]
        case "enum":
            return (rule.sequence ?? []).contains { equal(value, $0) } ? [] : ["\(path): is none of the values"]
        case "if":
            let branch = problems(of: value, rule, at: path).isEmpty ? schema["then"] : schema["else"]
            return branch.map { problems(of: value, $0, at: path) } ?? []
        case "oneOf":
            let fitting = (rule.sequence ?? []).filter { problems(of: value, $0, at: path).isEmpty }
            return fitting.count == 1 ? [] : ["\(path): fits \(fitting.count) of the alternatives"]
        case "allOf": return (rule.sequence ?? []).flatMap { problems(of: value, $0, at: path) }
        case "properties", "required", "additionalProperties", "minProperties":
            guard let object = value.object else { return [] }
            return objectProblems(of: object, keyword, rule, in: schema, at: path)
        case "items", "minItems", "maxItems":
            guard let array = value.array else { return [] }
            return arrayProblems(of: array, keyword, rule, at: path)
        case "pattern", "format", "minLength", "maxLength":
            guard let text = value.string else { return [] }
            return fits(text, keyword, rule) ? [] : ["\(path): \(text) does not fit \(keyword) \(rule.text ?? "")"]
        case "minimum":
            return (value.number?.double).map { $0 >= rule.double ?? 0 } ?? true ? [] : ["\(path): too small"]
        case "maximum":
            return (value.number?.double).map { $0 <= rule.double ?? 0 } ?? true ? [] : ["\(path): too large"]
        default: return ["\(path): the schema uses \(keyword), which this check does not know"]
        }
    }

    private func objectProblems(
        of object: JSONObject, _ keyword: String, _ rule: YAMLNode, in schema: YAMLNode, at path: String
    ) -> [String] {
        switch keyword {
        case "properties":
            return (rule.mapping?.entries ?? []).flatMap { property in
                object[property.key.text].map { problems(of: $0, property.value, at: "\(path)/\(property.key.text)") }
                    ?? []
            }
        case "required":
            return (rule.sequence ?? []).compactMap(\.text).filter { object[$0] == nil }.map {
                "\(path)/\($0): is missing"
            }
        case "minProperties": return object.count >= rule.int ?? 0 ? [] : ["\(path): too few members"]
        default:
            let others = object.members.filter { schema["properties"]?[$0.key] == nil }
            if let allowed = rule.bool { return allowed ? [] : others.map { "\(path)/\($0.key): is not declared" } }
            return others.flatMap { problems(of: $0.value, rule, at: "\(path)/\($0.key)") }
        }
    }

    private func arrayProblems(of array: [JSONValue], _ keyword: String, _ rule: YAMLNode, at path: String) -> [String]
    {
        switch keyword {
        case "minItems": array.count >= rule.int ?? 0 ? [] : ["\(path): too few elements"]
        case "maxItems": array.count <= rule.int ?? 0 ? [] : ["\(path): too many elements"]
        default: array.enumerated().flatMap { problems(of: $1, rule, at: "\(path)/\($0)") }
        }
    }

    private func fits(_ text: String, _ keyword: String, _ rule: YAMLNode) -> Bool {
        switch keyword {
        case "minLength": text.unicodeScalars.count >= rule.int ?? 0
        case "maxLength": text.unicodeScalars.count <= rule.int ?? 0
        case "pattern": rule.text.flatMap { try? Regex($0) }.map { text.contains($0) } ?? false
        default:
            switch rule.text {
            case "uuid": Encoding.UUID(text) != nil
            case "date-time": Timestamp(text) != nil
            case "uri": text.contains("://")
            case "email": text.split(separator: "@", omittingEmptySubsequences: false).count == 2
            default: false
            }
        }
    }

    private func isType(_ type: String, _ value: JSONValue) -> Bool {
        switch (type, value) {
        case ("null", .null), ("boolean", .bool), ("number", .number), ("string", .string), ("array", .array),
            ("object", .object):
            true
        case ("integer", .number(let number)): number.isPlainInteger
        default: false
        }
    }

    private func equal(_ value: JSONValue, _ node: YAMLNode) -> Bool {
        switch value {
        case .string(let text): node.string == text
        case .number(let number): node.scalar?.kind == .int && node.int == number.int
        case .bool(let flag): node.bool == flag
        case .null: node.isNull
        default: false
        }
    }
}

extension YAMLNode {
    /// Says that a pointer of a document leads nowhere.
    public struct LeadsNowhere: Error {
        public let pointer: String
    }

    /// The node that a JSON pointer names: `#/components/schemas/Block`.
    public func resolved(_ pointer: String) throws -> YAMLNode {
        var node = self
        for step in pointer.split(separator: "/").dropFirst() {
            let key = String(step).replacing("~1", with: "/").replacing("~0", with: "~")
            guard let next = node[key] else { throw LeadsNowhere(pointer: pointer) }
            node = next
        }
        return node
    }

    public func dereferenced(in root: YAMLNode) throws -> YAMLNode {
        guard let pointer = self["$ref"]?.string else { return self }
        return try root.resolved(pointer).dereferenced(in: root)
    }
}
