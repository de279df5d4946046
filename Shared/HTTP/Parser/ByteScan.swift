/// Scans over bytes, eight at a time.
enum ByteScan {
    private static let eachByte: UInt64 = 0x0101_0101_0101_0101
    private static let highBits: UInt64 = 0x8080_8080_8080_8080

    /// The position of the first control character other than a tab in `from..<to`; `to` where there is none.
    @inline(__always)
    static func firstControl(_ base: UnsafePointer<UInt8>, from: Int, to end: Int) -> Int {
        var index = from
        while index &+ 8 <= end {
            let word = UnsafeRawPointer(base + index).loadUnaligned(as: UInt64.self).littleEndian
            let below20 = (word &- 0x20 &* eachByte) & ~word
            let delete = word ^ (0x7F &* eachByte)
            let is7F = (delete &- eachByte) & ~delete
            // The lowest marked byte is a true one; borrows can only mark bytes above it.
            let marks = (below20 | is7F) & highBits
            guard marks != 0 else {
                index &+= 8
                continue
            }
            index &+= marks.trailingZeroBitCount &>> 3
            if base[index] != 0x09 { return index }
            index &+= 1
        }
        while index < end {
            let byte = base[index]
            if (byte < 0x20 && byte != 0x09) || byte == 0x7F { return index }
            index &+= 1
        }
        return end
    }

    /// Space or tab.
    @inline(__always)
    static func isBlank(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }
}
