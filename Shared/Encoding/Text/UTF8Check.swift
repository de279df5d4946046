internal import Glibc

/// Well-formed UTF-8 as the table of Unicode 3.9 (D92) has it: no overlong form, no surrogate, nothing past U+10FFFF.
enum UTF8Check {
    /// The length of the sequence that starts at `index`, nil where it is malformed or cut off.
    @inline(__always)
    static func length(_ base: UnsafePointer<UInt8>, _ index: Int, _ count: Int) -> Int? {
        let first = base[index]
        if first < 0x80 { return 1 }
        let left = count &- index
        @inline(__always) func follows(_ offset: Int, _ range: ClosedRange<UInt8> = 0x80...0xBF) -> Bool {
            offset < left && range.contains(base[index &+ offset])
        }
        switch first {
        case 0xC2...0xDF: return follows(1) ? 2 : nil
        case 0xE0: return follows(1, 0xA0...0xBF) && follows(2) ? 3 : nil
        case 0xED: return follows(1, 0x80...0x9F) && follows(2) ? 3 : nil
        case 0xE1...0xEF: return follows(1) && follows(2) ? 3 : nil
        case 0xF0: return follows(1, 0x90...0xBF) && follows(2) && follows(3) ? 4 : nil
        case 0xF1...0xF3: return follows(1) && follows(2) && follows(3) ? 4 : nil
        case 0xF4: return follows(1, 0x80...0x8F) && follows(2) && follows(3) ? 4 : nil
        default: return nil
        }
    }
}

/// Equality of the UTF-8 bytes. `String`'s own takes canonically equivalent texts for equal, which JSON (RFC 8259 §8.3)
/// and YAML do not.
func sameBytes(_ left: String, _ right: String) -> Bool {
    let count = left.utf8.count
    guard count == right.utf8.count else { return false }
    let same = left.utf8.withContiguousStorageIfAvailable { left in
        right.utf8.withContiguousStorageIfAvailable { right in
            guard let left = left.baseAddress, let right = right.baseAddress else { return count == 0 }
            return memcmp(left, right, count) == 0
        }
    }
    return (same ?? nil) ?? left.utf8.elementsEqual(right.utf8)
}

/// A text as a dictionary key, compared by its bytes.
struct ExactKey: Hashable, Sendable {
    let text: String

    static func == (left: ExactKey, right: ExactKey) -> Bool { sameBytes(left.text, right.text) }

    func hash(into hasher: inout Hasher) {
        var text = text
        text.withUTF8 { hasher.combine(bytes: UnsafeRawBufferPointer($0)) }
    }
}
