/// A JSON or YAML document as a tree of plain values, without positions, styles or aliases.
///
/// Numbers keep the text they were written with: a hash of digits only must not lose a leading zero. Readers refuse
/// duplicate keys, keys that are no scalar, and alias expansion beyond their limit before such a tree is made.
public enum DocumentValue: Sendable, Hashable {
    case null
    case bool(Bool)
    /// As written: `443`, `+443`, `0x1bb`, `0o673`.
    case integer(String)
    /// As written: `2026.01`, `1e5`, `.inf`.
    case float(String)
    case string(String)
    case sequence([DocumentValue])
    case mapping([Entry])

    /// One key of a mapping. A YAML key that is another scalar counts as its text.
    public struct Entry: Sendable, Hashable {
        public let key: String
        public let value: DocumentValue

        public init(_ key: String, _ value: DocumentValue) {
            self.key = key
            self.value = value
        }
    }

    /// The value under `key`, nil where this is no mapping or has no such key. Keys are compared byte by byte.
    public subscript(_ key: String) -> DocumentValue? {
        guard case .mapping(let entries) = self else { return nil }
        return entries.first { sameBytes($0.key, key) }?.value
    }

    /// How a message calls it.
    var kindName: String {
        switch self {
        case .null: "null"
        case .bool: "a boolean"
        case .integer: "an integer"
        case .float: "a number"
        case .string: "a string"
        case .sequence: "a sequence"
        case .mapping: "a mapping"
        }
    }
}

/// Whether a document was written in JSON or in YAML.
public enum DocumentFormat: Sendable, Hashable {
    /// A number or boolean is not a string.
    case json
    /// A plain scalar where a string is wanted counts as its text.
    case yaml
}

/// String comparison without Unicode equivalence.
func sameBytes(_ left: String, _ right: String) -> Bool { left.utf8.elementsEqual(right.utf8) }
