/// Makes masked lines of text out of bytes as they come. A secret that is cut by two reads, or by the limit of a line, is
/// masked all the same.
struct LineAssembler {
    private let mask: SecretMask
    private let lineBytesMax: Int
    private var pending: [UInt8] = []

    init(_ mask: SecretMask, lineBytesMax: Int = RunnerLimits.lineBytesMax) {
        self.mask = mask
        self.lineBytesMax = max(lineBytesMax, 2 * mask.longest)
    }

    /// Lines without their ends, valid UTF-8, without NUL, which PostgreSQL's text cannot hold.
    mutating func take(_ bytes: [UInt8]) -> [String] {
        var lines: [String] = []
        for part in bytes.split(separator: 0x0A, omittingEmptySubsequences: false).dropLast() {
            pending += part
            lines += flush()
        }
        pending += bytes[(bytes.lastIndex(of: 0x0A).map { $0 + 1 } ?? 0)...]
        while pending.count > lineBytesMax {
            let masked = mask.mask(pending)
            // The beginning of a secret may stand at the end: it stays until the rest of it is here.
            let cut = masked.count - max(mask.longest - 1, 0)
            guard cut > 0 else { break }
            let boundary = Self.boundary(masked, at: cut)
            lines.append(Self.text(masked[..<boundary]))
            pending = Array(masked[boundary...])
            if boundary == 0 { break }
        }
        return lines
    }

    /// What is left at the end of the stream.
    mutating func finish() -> [String] { pending.isEmpty ? [] : flush() }

    private mutating func flush() -> [String] {
        if pending.last == 0x0D { pending.removeLast() }
        let masked = mask.mask(pending)
        pending.removeAll(keepingCapacity: true)
        guard masked.count > lineBytesMax else { return [Self.text(masked)] }
        var lines: [String] = []
        var rest = masked[...]
        while !rest.isEmpty {
            let end = rest.count > lineBytesMax ? Self.boundary(masked, at: rest.startIndex + lineBytesMax) : rest.endIndex
            lines.append(Self.text(rest[..<end]))
            rest = rest[end...]
        }
        return lines
    }

    /// The last place at or before `index` where a character of UTF-8 begins.
    private static func boundary(_ bytes: [UInt8], at index: Int) -> Int {
        var place = index
        while place > 0, place < bytes.count, bytes[place] & 0xC0 == 0x80, index - place < 4 { place -= 1 }
        return place
    }

    private static func text(_ bytes: some Collection<UInt8>) -> String {
        let text = String(decoding: bytes, as: UTF8.self)
        return text.utf8.contains(0) ? text.replacing("\0", with: "\u{FFFD}") : text
    }
}
