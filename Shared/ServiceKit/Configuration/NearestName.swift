/// Finds the name that a misspelt one was probably meant to be.
enum NearestName {
    /// The closest of `candidates` within a quarter of the name's length in edits, at least two.
    static func of(_ name: String, among candidates: [String]) -> String? {
        let allowed = max(2, name.utf8.count / 4)
        var best: (name: String, distance: Int)?
        for candidate in candidates {
            let distance = distance(Array(name.utf8), Array(candidate.utf8))
            if distance <= allowed, distance < best?.distance ?? Int.max { best = (candidate, distance) }
        }
        return best?.name
    }

    /// Levenshtein distance over bytes.
    static func distance(_ left: [UInt8], _ right: [UInt8]) -> Int {
        var previous = Array(0...right.count)
        var current = previous
        for (row, byte) in left.enumerated() {
            current[0] = row + 1
            for (column, other) in right.enumerated() {
                let substituted = previous[column] + (byte == other ? 0 : 1)
                current[column + 1] = min(substituted, previous[column + 1] + 1, current[column] + 1)
            }
            swap(&previous, &current)
        }
        return previous[right.count]
    }
}
