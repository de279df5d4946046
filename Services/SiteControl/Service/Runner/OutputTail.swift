/// The end of what a run has written, both streams together: a ring, so that a noisy run takes no more memory than a quiet one.
struct OutputTail {
    private let bytesMax: Int
    private var bytes: [UInt8] = []

    init(bytesMax: Int = RunnerLimits.tailBytesMax) { self.bytesMax = bytesMax }

    mutating func append(line: String) {
        bytes += line.utf8
        bytes.append(0x0A)
        // Trimmed now and then only, or every line would move the whole tail.
        if bytes.count > 4 * bytesMax { bytes.removeFirst(bytes.count - bytesMax) }
    }

    /// At most `bytesMax` bytes of UTF-8, beginning with a whole character.
    var text: String { Self.end(of: bytes, bytesMax: bytesMax) }

    /// The end of a text, likewise.
    static func end(of text: String, bytesMax: Int) -> String {
        text.utf8.count <= bytesMax ? text : end(of: Array(text.utf8), bytesMax: bytesMax)
    }

    private static func end(of bytes: [UInt8], bytesMax: Int) -> String {
        var tail = bytes.suffix(bytesMax)
        if tail.startIndex > 0 { tail = tail.drop { $0 & 0xC0 == 0x80 } }
        // The ring may have been trimmed inside a character.
        return String(decoding: tail.drop { $0 & 0xC0 == 0x80 }, as: UTF8.self)
    }
}
