/// A first-in, first-out queue over one array that grows and is then reused.
struct Ring<Element> {
    private var slots: [Element?]
    private var head = 0
    private(set) var count = 0

    init(capacity: Int = 16) {
        var size = 16
        while size < capacity { size *= 2 }
        slots = Array(repeating: nil, count: size)
    }

    var isEmpty: Bool { count == 0 }
    var first: Element? { slots[head] }

    /// - Precondition: `0 <= offset < count`.
    subscript(offset: Int) -> Element? { slots[(head + offset) & (slots.count - 1)] }

    mutating func append(_ element: Element) {
        if count == slots.count { grow() }
        slots[(head + count) & (slots.count - 1)] = element
        count += 1
    }

    mutating func popFirst() -> Element? {
        guard count > 0, let element = slots[head] else { return nil }
        slots[head] = nil
        head = (head + 1) & (slots.count - 1)
        count -= 1
        return element
    }

    mutating func removeAll(where isGone: (Element) -> Bool) {
        var kept = Ring(capacity: count)
        while let element = popFirst() {
            if !isGone(element) { kept.append(element) }
        }
        self = kept
    }

    private mutating func grow() {
        var larger = [Element?](repeating: nil, count: slots.count * 2)
        for offset in 0..<count { larger[offset] = slots[(head + offset) & (slots.count - 1)] }
        slots = larger
        head = 0
    }
}
