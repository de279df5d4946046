/// Where the keys of an ordered object stand: searched while there are few, hashed from `hashedFrom` on. Keys are compared
/// byte by byte.
struct KeyIndex: Sendable {
    static let hashedFrom = 12

    private var positions: [ExactKey: Int] = [:]

    /// `keys` gives the key at a position below `count`.
    func position(of key: String, count: Int, keys: (Int) -> String) -> Int? {
        if count >= Self.hashedFrom { return positions[ExactKey(text: key)] }
        for position in 0..<count where sameBytes(keys(position), key) { return position }
        return nil
    }

    /// To be called after a key was added behind the others.
    mutating func added(count: Int, keys: (Int) -> String) {
        if count == Self.hashedFrom {
            rebuild(count: count, keys: keys)
        } else if count > Self.hashedFrom {
            positions[ExactKey(text: keys(count - 1))] = count - 1
        }
    }

    mutating func rebuild(count: Int, keys: (Int) -> String) {
        positions.removeAll()
        guard count >= Self.hashedFrom else { return }
        for position in 0..<count { positions[ExactKey(text: keys(position))] = position }
    }
}
