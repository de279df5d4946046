/// The entries of a YAML mapping in their order. Keys are scalars, and no text occurs twice among them.
public struct YAMLMapping: Sendable {
    public struct Entry: Sendable {
        public let key: YAMLScalar
        public let keyPosition: YAMLPosition
        public let value: YAMLNode
    }

    public private(set) var entries: [Entry] = []
    private var index = KeyIndex()

    init() {}

    public var count: Int { entries.count }
    public var isEmpty: Bool { entries.isEmpty }

    /// The value whose key has this text, also where the key resolves to a number or a boolean.
    public subscript(key: String) -> YAMLNode? { position(of: key).map { entries[$0].value } }

    /// Where the key with this text stands among the entries.
    public func position(of key: String) -> Int? {
        index.position(of: key, count: count) { entries[$0].key.text }
    }

    /// Adds an entry whose key is not there yet.
    mutating func insert(_ entry: Entry) {
        entries.append(entry)
        index.added(count: count) { entries[$0].key.text }
    }
}
