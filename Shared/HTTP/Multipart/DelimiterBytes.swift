internal import Glibc

/// A delimiter at a fixed address. Its first byte, CR, occurs in it nowhere else.
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
        var start = 0
        while start < input.count, let found = memchr(base + start, 0x0D, input.count &- start) {
            start = UnsafeRawPointer(found) - base
            let length = min(bytes.count, input.count &- start)
            if memcmp(base + start, delimiter, length) == 0 { return (start, length) }
            start &+= 1
        }
        return (input.count, 0)
    }
}
