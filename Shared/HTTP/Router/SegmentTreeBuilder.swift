/// Gathers the patterns of a router before they are laid out for matching.
struct SegmentTreeBuilder {
    /// One piece of a pattern between slashes.
    enum Segment: Equatable {
        case literal([UInt8])
        case parameter(String)

        var parameterName: String? {
            if case .parameter(let name) = self { name } else { nil }
        }
    }

    private struct Node {
        var literals: [(name: [UInt8], node: Int)] = []
        var parameter: Int?
        var leaf: Int?
    }

    private var nodes = [Node()]

    init() {}

    /// nil where `pattern` is malformed: it begins with a slash, and its segments are `{name}` or characters that a
    /// path holds without percent-encoding.
    static func segments(of pattern: String) -> [Segment]? {
        let bytes = Array(pattern.utf8)
        guard bytes.first == 0x2F else { return nil }
        var segments: [Segment] = []
        for piece in bytes.dropFirst().split(separator: 0x2F, omittingEmptySubsequences: false) {
            if piece.first == 0x7B, piece.last == 0x7D, piece.count > 2 {
                let name = piece.dropFirst().dropLast()
                guard name.allSatisfy({ ByteClass.isToken($0) }) else { return nil }
                segments.append(.parameter(String(decoding: name, as: UTF8.self)))
            } else {
                guard piece.allSatisfy({ ByteClass.has($0, ByteClass.path) }) else { return nil }
                segments.append(.literal(Array(piece)))
            }
        }
        let names = segments.compactMap(\.parameterName)
        guard Set(names).count == names.count, names.count <= SegmentTree.Match.parameterMax else { return nil }
        return segments
    }

    /// The number of the path's end: `nextLeaf` where it is new.
    mutating func insert(_ segments: [Segment], nextLeaf: Int) -> Int {
        var current = 0
        for segment in segments { current = child(of: current, segment) }
        if let leaf = nodes[current].leaf { return leaf }
        nodes[current].leaf = nextLeaf
        return nextLeaf
    }

    func build() -> SegmentTree {
        var tree = SegmentTree()
        for node in nodes {
            tree.append(literals: node.literals, parameter: node.parameter, leaf: node.leaf)
        }
        return tree
    }

    private mutating func child(of node: Int, _ segment: Segment) -> Int {
        switch segment {
        case .literal(let name):
            if let known = nodes[node].literals.first(where: { $0.name == name }) { return known.node }
            nodes[node].literals.append((name, nodes.count))
        case .parameter:
            if let known = nodes[node].parameter { return known }
            nodes[node].parameter = nodes.count
        }
        nodes.append(Node())
        return nodes.count - 1
    }
}
