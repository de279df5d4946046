/// Archives made by hand, so that no tool has to be there.
enum ConformanceArchive {
    /// A POSIX ustar archive of regular files, in the order of their names, with its end.
    static func tar(_ files: [String: [UInt8]]) -> [UInt8] {
        var bytes: [UInt8] = []
        for (name, content) in files.sorted(by: { $0.key < $1.key }) {
            var header = [UInt8](repeating: 0, count: 512)
            func put(_ text: String, at offset: Int) {
                for (index, byte) in text.utf8.enumerated() { header[offset + index] = byte }
            }
            put(name, at: 0)
            put("0000644", at: 100)
            put("0001750", at: 108)
            put("0001750", at: 116)
            put(octal(content.count, 11), at: 124)
            put(octal(1_700_000_000, 11), at: 136)
            put("        ", at: 148)
            put("0", at: 156)
            put("ustar\u{0}00", at: 257)
            put(octal(header.reduce(0) { $0 + Int($1) }, 6) + "\u{0} ", at: 148)
            let padding = (512 - content.count % 512) % 512
            bytes += header + content + [UInt8](repeating: 0, count: padding)
        }
        return bytes + [UInt8](repeating: 0, count: 1024)
    }

    /// A gzip stream of stored blocks (RFC 1952, RFC 1951 §3.2.4).
    static func gzip(_ content: [UInt8]) -> [UInt8] {
        var bytes: [UInt8] = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3]
        var start = 0
        repeat {
            let end = min(start + 65_535, content.count)
            let length = UInt16(end - start)
            bytes.append(end == content.count ? 1 : 0)
            bytes += little(UInt32(length)).prefix(2) + little(UInt32(~length)).prefix(2) + content[start..<end]
            start = end
        } while start < content.count
        return bytes + little(crc32(content)) + little(UInt32(content.count))
    }

    private static func octal(_ value: Int, _ digits: Int) -> String {
        let text = String(value, radix: 8)
        return String(repeating: "0", count: digits - text.count) + text
    }

    private static func little(_ value: UInt32) -> [UInt8] {
        (0..<4).map { UInt8(truncatingIfNeeded: value >> ($0 * 8)) }
    }

    private static func crc32(_ bytes: [UInt8]) -> UInt32 {
        var sum: UInt32 = 0xffff_ffff
        for byte in bytes {
            sum ^= UInt32(byte)
            for _ in 0..<8 { sum = (sum >> 1) ^ (sum & 1 == 1 ? 0xedb8_8320 : 0) }
        }
        return ~sum
    }
}
