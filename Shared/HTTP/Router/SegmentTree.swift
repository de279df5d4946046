internal import Glibc

/// Paths as a tree of segments. Values of a path's nodes are numbers, so the tree is the same for every router.
struct SegmentTree: Sendable {
    /// One piece of a pattern between slashes.
    enum Segment: Equatable {
        case literal([UInt8])
        case parameter(String)

        var parameterName: String? {
            if case .parameter(let name) = self { name } else { nil }
        }
    }

    /// Where a path led.
    struct Match {
        /// More parameters than this are refused when the table is built.
        static let parameterMax = 8

        var leaf = 0
        private var ranges = InlineArray<8, Range<Int>>(repeating: 0..<0)

        init() {}

        func parameter(_ index: Int) -> Range<Int> { ranges[index] }

        mutating func set(_ index: Int, _ range: Range<Int>) { ranges[index] = range }
    }

    private struct Node: Sendable {
        var literals: [(name: [UInt8], node: Int)] = []
        var parameter: Int?
        var leaf: Int?
    }

    private var nodes = [Node()]

    init() {}

    /// nil where `pattern` is malformed: it begins with a slash, and its segments are `{name}` or visible ASCII
    /// without percent, question mark, number sign or braces.
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
        guard Set(names).count == names.count, names.count <= Match.parameterMax else { return nil }
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

    /// Finds the end of `path`, literal segments first.
    func find(_ path: UnsafeRawBufferPointer, _ match: inout Match) -> Bool {
        guard path.count > 0, path[0] == 0x2F else { return false }
        return nodes.withUnsafeBufferPointer { Self.descend($0, 0, path, 1, 0, &match) }
    }

    // MARK: Helpers

    private static func descend(
        _ nodes: UnsafeBufferPointer<Node>, _ current: Int, _ path: UnsafeRawBufferPointer, _ start: Int,
        _ parameterCount: Int, _ match: inout Match
    ) -> Bool {
        if start > path.count {
            guard let leaf = nodes[current].leaf else { return false }
            match.leaf = leaf
            return true
        }
        var end = start
        while end < path.count, path[end] != 0x2F { end &+= 1 }
        for literal in nodes[current].literals where isEqual(literal.name, path, start, end) {
            if descend(nodes, literal.node, path, end &+ 1, parameterCount, &match) { return true }
            break
        }
        guard let parameter = nodes[current].parameter, end > start else { return false }
        match.set(parameterCount, start..<end)
        return descend(nodes, parameter, path, end &+ 1, parameterCount &+ 1, &match)
    }

    @inline(__always)
    private static func isEqual(_ name: [UInt8], _ path: UnsafeRawBufferPointer, _ start: Int, _ end: Int) -> Bool {
        guard name.count == end &- start, let base = path.baseAddress else { return false }
        return name.withUnsafeBytes { name in
            guard let other = name.baseAddress else { return true }
            return memcmp(other, base + start, name.count) == 0
        }
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
