internal import Glibc

/// Paths as a tree of segments, laid out in three flat arrays so that matching counts no references.
struct SegmentTree: Sendable {
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
        var firstEdge: Int
        var edgeCount: Int
        /// -1 where there is none.
        var parameter: Int
        /// -1 where no path ends.
        var leaf: Int
    }

    /// A literal segment: its stretch of `text`, and where it leads.
    private struct Edge: Sendable {
        var start: Int
        var count: Int
        var node: Int
    }

    private struct Layout {
        let nodes: UnsafePointer<Node>
        let edges: UnsafePointer<Edge>
        let text: UnsafePointer<UInt8>
    }

    private var nodes: [Node] = []
    private var edges: [Edge] = []
    private var text: [UInt8] = []

    init() {}

    /// Appends the next node; the first is where every path begins.
    mutating func append(literals: [(name: [UInt8], node: Int)], parameter: Int?, leaf: Int?) {
        let firstEdge = edges.count
        for literal in literals {
            edges.append(Edge(start: text.count, count: literal.name.count, node: literal.node))
            text += literal.name
        }
        nodes.append(
            Node(firstEdge: firstEdge, edgeCount: literals.count, parameter: parameter ?? -1, leaf: leaf ?? -1))
    }

    /// Finds the end of `path`, literal segments first.
    func find(_ path: UnsafeRawBufferPointer, _ match: inout Match) -> Bool {
        guard path.count > 0, path[0] == 0x2F, let base = path.baseAddress else { return false }
        return nodes.withUnsafeBufferPointer { nodes in
            edges.withUnsafeBufferPointer { edges in
                text.withUnsafeBufferPointer { text in
                    guard let nodes = nodes.baseAddress, let edges = edges.baseAddress, let text = text.baseAddress else {
                        return false
                    }
                    let layout = Layout(nodes: nodes, edges: edges, text: text)
                    let bytes = base.assumingMemoryBound(to: UInt8.self)
                    return Self.descend(layout, 0, bytes, path.count, 1, 0, &match)
                }
            }
        }
    }

    /// - Parameter start: of the next segment, just past its slash; past `count` where there is none.
    private static func descend(
        _ layout: Layout, _ current: Int, _ path: UnsafePointer<UInt8>, _ count: Int, _ start: Int,
        _ parameterCount: Int, _ match: inout Match
    ) -> Bool {
        let node = layout.nodes[current]
        if start > count {
            match.leaf = node.leaf
            return node.leaf >= 0
        }
        var end = start
        while end < count, path[end] != 0x2F { end &+= 1 }
        for index in node.firstEdge..<(node.firstEdge &+ node.edgeCount) {
            let edge = layout.edges[index]
            guard edge.count == end &- start, memcmp(layout.text + edge.start, path + start, edge.count) == 0 else {
                continue
            }
            if descend(layout, edge.node, path, count, end &+ 1, parameterCount, &match) { return true }
            break
        }
        guard node.parameter >= 0, end > start else { return false }
        match.set(parameterCount, start..<end)
        return descend(layout, node.parameter, path, count, end &+ 1, parameterCount &+ 1, &match)
    }
}
