/// Where a value stands in a document: `database.password`, `ports[2].token`.
struct DocumentPath: Hashable, CustomStringConvertible {
    private enum Step: Hashable {
        case key(String)
        case index(Int)
    }

    /// Longest path shown, in Unicode scalars; a longer one loses its middle.
    static let scalarsMax = 200

    private var steps: [Step] = []

    mutating func push(key: String) { steps.append(.key(key)) }
    mutating func push(index: Int) { steps.append(.index(index)) }
    mutating func pop() { steps.removeLast() }

    var description: String {
        var text = ""
        for step in steps {
            switch step {
            case .key(let key): text += (text.isEmpty ? "" : ".") + DisplayedText.key(key)
            case .index(let index): text += "[\(index)]"
            }
        }
        let scalars = text.unicodeScalars
        guard scalars.count > Self.scalarsMax else { return text }
        let half = Self.scalarsMax / 2
        return String(scalars.prefix(half)) + "…" + String(scalars.suffix(half))
    }
}
