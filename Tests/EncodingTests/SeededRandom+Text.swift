import TestSupport

extension SeededRandom {
    /// Any text: controls, quotes, several planes, combining marks.
    mutating func text(upTo length: Int) -> String {
        let pool: [Unicode.Scalar] = [
            "a", "b", "z", "0", " ", "\"", "\\", "/", "\n", "\r", "\t", "\u{0}", "\u{1}", "\u{1F}", "\u{7F}", "\u{80}", "é",
            "\u{301}", "ß", "€", "\u{2028}", "\u{FEFF}", "\u{FFFF}", "😀", "\u{10FFFF}", ":", "#", "-", "'", "{", "]",
        ]
        var scalars = String.UnicodeScalarView()
        for _ in 0..<Int.random(in: 0...length, using: &self) {
            scalars.append(pool[Int.random(in: 0..<pool.count, using: &self)])
        }
        return String(scalars)
    }
}
