/// A YAML document as a tree, every node with the place where it stands in the text.
///
/// An alias is replaced by what it names: the nodes inside keep the places of the anchored ones.
public struct YAMLNode: Sendable {
    public enum Content: Sendable {
        case scalar(YAMLScalar)
        case sequence([YAMLNode])
        case mapping(YAMLMapping)
    }

    public let content: Content
    public let position: YAMLPosition

    public init(_ content: Content, at position: YAMLPosition) {
        self.content = content
        self.position = position
    }

    public var scalar: YAMLScalar? { if case .scalar(let scalar) = content { scalar } else { nil } }
    public var sequence: [YAMLNode]? { if case .sequence(let nodes) = content { nodes } else { nil } }
    public var mapping: YAMLMapping? { if case .mapping(let mapping) = content { mapping } else { nil } }

    /// The text of a scalar that resolves to a string; nil for `5`, `true` or nothing. See `YAMLScalar.text` for those.
    public var string: String? { if let scalar, scalar.kind == .string { scalar.text } else { nil } }
    /// The text of any scalar, whatever it resolves to.
    public var text: String? { scalar?.text }
    public var bool: Bool? { scalar?.bool }
    public var int: Int? { scalar?.int }
    public var double: Double? { scalar?.double }
    public var isNull: Bool { scalar?.kind == .null }

    /// The value of a key of a mapping; nil where it is missing or this is no mapping.
    public subscript(key: String) -> YAMLNode? { mapping?[key] }

    /// What this is, in the words of an error message.
    public var typeName: String {
        switch content {
        case .scalar(let scalar): scalar.kind.name
        case .sequence: "a sequence"
        case .mapping: "a mapping"
        }
    }

    /// Whether both hold the same, wherever it stands and however it is quoted. The order of keys does not matter, nor how a
    /// null is written; numbers are compared by their text.
    public func hasSameContent(as other: YAMLNode) -> Bool {
        switch (content, other.content) {
        case (.scalar(let left), .scalar(let right)):
            left.kind == right.kind && (left.kind == .null || sameBytes(left.text, right.text))
        case (.sequence(let left), .sequence(let right)):
            left.count == right.count && zip(left, right).allSatisfy { $0.hasSameContent(as: $1) }
        case (.mapping(let left), .mapping(let right)):
            left.count == right.count
                && left.entries.allSatisfy { entry in
                    guard let position = right.position(of: entry.key.text) else { return false }
                    let other = right.entries[position]
                    return entry.key.kind == other.key.kind && entry.value.hasSameContent(as: other.value)
                }
        default: false
        }
    }
}

/// A place in the text of a document.
public struct YAMLPosition: Hashable, Sendable {
    /// 1-based; lines end with LF, CR or CRLF.
    public let line: Int
    /// 1-based, in Unicode scalars.
    public let column: Int

    public init(line: Int, column: Int) {
        self.line = line
        self.column = column
    }
}

extension YAMLPosition: CustomStringConvertible {
    public var description: String { "line \(line), column \(column)" }
}
