internal import Glibc

/// A delimiter at a fixed address. It begins with CR, LF, and CR occurs in it nowhere else.
///
/// @unchecked Sendable: written once by the initializer, only read afterwards.
final class DelimiterBytes: @unchecked Sendable {
    private let bytes: UnsafeRawBufferPointer

    init(_ delimiter: [UInt8]) {
        let copy = UnsafeMutableRawBufferPointer.allocate(byteCount: delimiter.count, alignment: 1)
        copy.copyBytes(from: delimiter)
        bytes = UnsafeRawBufferPointer(copy)
    }

    deinit { bytes.deallocate() }

    var count: Int { bytes.count }

    func prefix(_ count: Int) -> UnsafeRawBufferPointer {
        UnsafeRawBufferPointer(rebasing: bytes.prefix(count))
    }

    /// How many bytes `input` goes on with the delimiter, of which `matched` bytes came before.
    func continuation(of input: UnsafeRawBufferPointer, after matched: Int) -> Int {
        let bound = min(input.count, bytes.count - matched)
        var length = 0
        while length < bound, input[length] == bytes[matched + length] { length += 1 }
        return length
    }

    /// Where the delimiter stands in `input`, whole or cut off by its end.
    /// - Returns: bytes in front of it, and bytes of it that are there: 0 where it is not there at all.
    func search(_ input: UnsafeRawBufferPointer) -> (start: Int, length: Int) {
        guard let base = input.baseAddress, let delimiter = bytes.baseAddress else { return (0, 0) }
        let count = input.count
        var start = 0
        var resumed = -denseDistance
        while start < count, let found = memchr(base + start, 0x0D, count &- start) {
            start = UnsafeRawPointer(found) - base
            if start &+ 1 == count || base.load(fromByteOffset: start &+ 1, as: UInt8.self) == 0x0A {
                let length = min(bytes.count, count &- start)
                if memcmp(base + start, delimiter, length) == 0 { return (start, length) }
            }
            let isDense = start &- resumed < denseDistance
            start &+= 1
            if isDense { start = Self.skipLoneReturns(base, from: start, to: count) }
            resumed = start
        }
        return (count, 0)
    }

    /// Carriage returns closer together than this are passed over by words instead of one call each.
    private let denseDistance = 16

    /// Moves over up to 64 bytes in which no CR is followed by LF.
    /// - Returns: where the first CR LF may stand, or the end of what was looked at.
    private static func skipLoneReturns(_ base: UnsafeRawPointer, from start: Int, to end: Int) -> Int {
        let eachByte: UInt64 = 0x0101_0101_0101_0101
        var position = start
        while position &+ 8 <= end, position &- start < 64 {
            let word = (base + position).loadUnaligned(as: UInt64.self).littleEndian
            let notReturn = word ^ (0x0D &* eachByte)
            let notFeed = word ^ (0x0A &* eachByte)
            let returns = (notReturn &- eachByte) & ~notReturn
            let feeds = (notFeed &- eachByte) & ~notFeed
            // The last byte of a word is judged as the first of the next.
            if returns & (feeds &>> 8) & 0x0080_8080_8080_8080 != 0 { return position }
            position &+= 7
        }
        return position
    }
}
