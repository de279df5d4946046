/// Builds the tree from events, without recursion, and holds the limits.
struct YAMLLoader {
    /// What a subtree adds wherever an alias puts it.
    private struct Weight {
        var nodes = 0
        var textBytes = 0
        /// Collections inside one another; a scalar has none.
        var height = 0

        mutating func add(_ other: Weight) {
            nodes += other.nodes
            textBytes += other.textBytes
            height = max(height, other.height)
        }
    }

    /// A collection that is still open.
    private struct Frame {
        let anchor: String?
        let position: YAMLPosition
        let isMapping: Bool
        var elements: [YAMLNode] = []
        var mapping = YAMLMapping()
        /// A key that waits for its value.
        var key: (scalar: YAMLScalar, position: YAMLPosition)?
        /// What the keys so far mean, strings apart: those are told apart by their text.
        var meanings: Set<YAMLScalar.Meaning> = []
        var weight = Weight(nodes: 1)
    }

    private enum Anchor {
        case open
        case closed(YAMLNode, Weight)
    }

    private let limits: YAMLLimits
    private var frames: [Frame] = []
    private var anchors: [ExactKey: Anchor] = [:]
    /// Of everything so far. Sums stay below twice a limit, so they cannot overflow.
    private var total = Weight()
    private var root: YAMLNode?

    init(limits: YAMLLimits) { self.limits = limits }

    mutating func take(_ event: YAMLEvent, at position: YAMLPosition) throws(YAMLError) {
        switch event {
        case .documentStart, .documentEnd:
            break
        case .scalar(let anchor, let scalar):
            let node = YAMLNode(.scalar(scalar), at: position)
            let weight = Weight(nodes: 1, textBytes: scalar.text.utf8.count)
            try count(weight, at: position)
            define(anchor, .closed(node, weight))
            try place(node, weight, at: position)
        case .alias(let name):
            guard let anchor = anchors[ExactKey(text: name)] else { throw YAMLError(kind: .unknownAlias, position: position) }
            guard case .closed(let node, let weight) = anchor else {
                throw YAMLError(kind: .recursiveAlias, position: position)
            }
            guard frames.count + weight.height <= limits.depthMax else {
                throw YAMLError(kind: .depthLimit, position: position)
            }
            try count(weight, at: position)
            try place(node, weight, at: position)
        case .sequenceStart(let anchor):
            try open(anchor, isMapping: false, at: position)
        case .mappingStart(let anchor):
            try open(anchor, isMapping: true, at: position)
        case .sequenceEnd, .mappingEnd:
            guard let frame = frames.popLast() else { throw YAMLError(kind: .syntax, position: position) }
            let content: YAMLNode.Content = frame.isMapping ? .mapping(frame.mapping) : .sequence(frame.elements)
            let node = YAMLNode(content, at: frame.position)
            var weight = frame.weight
            weight.height += 1
            define(frame.anchor, .closed(node, weight))
            try place(node, weight, at: frame.position)
        }
    }

    func finish() throws(YAMLError) -> YAMLNode {
        guard let root else { throw YAMLError(kind: .noDocument, position: YAMLText.start) }
        return root
    }

    private mutating func open(_ anchor: String?, isMapping: Bool, at position: YAMLPosition) throws(YAMLError) {
        let top = frames.count - 1
        if top >= 0, frames[top].isMapping, frames[top].key == nil {
            throw YAMLError(kind: .complexKey, position: position)
        }
        guard frames.count < limits.depthMax else { throw YAMLError(kind: .depthLimit, position: position) }
        try count(Weight(nodes: 1), at: position)
        define(anchor, .open)
        frames.append(Frame(anchor: anchor, position: position, isMapping: isMapping))
    }

    private mutating func define(_ name: String?, _ anchor: Anchor) {
        if let name { anchors[ExactKey(text: name)] = anchor }
    }

    private mutating func count(_ weight: Weight, at position: YAMLPosition) throws(YAMLError) {
        total.add(weight)
        guard total.nodes <= limits.nodesMax else { throw YAMLError(kind: .nodeLimit, position: position) }
        guard total.textBytes <= limits.textBytesMax else { throw YAMLError(kind: .textLimit, position: position) }
    }

    /// Puts a finished node where it belongs: into the innermost collection, or at the root.
    private mutating func place(_ node: YAMLNode, _ weight: Weight, at position: YAMLPosition) throws(YAMLError) {
        let top = frames.count - 1
        guard top >= 0 else {
            root = node
            return
        }
        frames[top].weight.add(weight)
        guard frames[top].isMapping else {
            frames[top].elements.append(node)
            return
        }
        guard let key = frames[top].key else {
            guard case .scalar(let scalar) = node.content else { throw YAMLError(kind: .complexKey, position: position) }
            frames[top].key = (scalar, position)
            return try check(key: scalar, in: top, at: position)
        }
        frames[top].key = nil
        frames[top].mapping.insert(YAMLMapping.Entry(key: key.scalar, keyPosition: key.position, value: node))
    }

    private mutating func check(key: YAMLScalar, in top: Int, at position: YAMLPosition) throws(YAMLError) {
        if key.style == .plain, key.text == "<<" { throw YAMLError(kind: .mergeKey, position: position) }
        let isNew = key.kind == .string || frames[top].meanings.insert(key.meaning).inserted
        guard isNew, frames[top].mapping.position(of: key.text) == nil else {
            throw YAMLError(kind: .duplicateKey, position: position)
        }
    }
}
