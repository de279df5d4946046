/// Tells a zip archive by its first and last bytes, without reading what lies between (APPNOTE.TXT 6.3.10, 4.3.7, 4.3.15,
/// 4.3.16; reference 6.6).
public enum ZipEnding {
    /// Bytes of the end that are looked at: the longest end record, and the zip64 locator before it.
    public static let tailBytes = recordBytes + 65_535 + locatorBytes
    public static let headBytes = 4

    private static let recordBytes = 22
    private static let locatorBytes = 20

    /// - Parameters:
    ///   - head: the first `headBytes` bytes.
    ///   - tail: the last `tailBytes` bytes, or all where there are fewer.
    ///   - size: of the whole, in bytes.
    public static func isArchive(head: [UInt8], tail: [UInt8], size: Int64) -> Bool {
        // A local file header: an empty or split archive begins otherwise.
        guard size >= Int64(recordBytes), tail.count >= recordBytes, head.starts(with: [0x50, 0x4B, 0x03, 0x04]) else {
            return false
        }
        for start in stride(from: tail.count - recordBytes, through: max(0, tail.count - recordBytes - 65_535), by: -1)
        where matches(tail, start, [0x50, 0x4B, 0x05, 0x06]) && isEndRecord(tail, start, size: size) {
            return true
        }
        return false
    }

    private static func isEndRecord(_ tail: [UInt8], _ start: Int, size: Int64) -> Bool {
        guard start + recordBytes + Int(number(tail, start + 20, 2)) == tail.count else { return false }
        let entries = number(tail, start + 10, 2)
        let directoryBytes = number(tail, start + 12, 4)
        let directoryOffset = number(tail, start + 16, 4)
        let isZip64 = entries == 0xFFFF || directoryBytes == 0xFFFF_FFFF || directoryOffset == 0xFFFF_FFFF
        if isZip64 { return matches(tail, start - locatorBytes, [0x50, 0x4B, 0x06, 0x07]) }
        return entries >= 1 && directoryOffset + directoryBytes <= size - Int64(tail.count - start)
    }

    /// Little-endian.
    private static func number(_ bytes: [UInt8], _ start: Int, _ count: Int) -> Int64 {
        bytes[start..<start + count].reversed().reduce(0) { $0 << 8 | Int64($1) }
    }

    private static func matches(_ bytes: [UInt8], _ start: Int, _ signature: [UInt8]) -> Bool {
        start >= 0 && start + signature.count <= bytes.count && bytes[start...].starts(with: signature)
    }
}
