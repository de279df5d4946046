internal import Glibc

/// Bytes on their way to a socket: one allocation, used again for every response of a connection.
package final class OutputBuffer {
    private var base: UnsafeMutableRawPointer
    private var capacity: Int
    /// Bytes before this were taken.
    private var start = 0
    private var end = 0
    private let idleCapacity: Int

    /// - Parameter capacity: bytes kept while the buffer is empty.
    package init(capacity: Int = 4096) {
        self.capacity = capacity
        idleCapacity = capacity
        base = .allocate(byteCount: capacity, alignment: 16)
    }

    deinit { base.deallocate() }

    package var count: Int { end &- start }
    package var isEmpty: Bool { start == end }

    /// What waits to be sent; valid until the next call.
    package var readable: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base + start, count: count) }

    /// Drops the first `count` bytes, which were sent.
    package func consume(_ count: Int) {
        precondition(count >= 0 && count <= self.count)
        start &+= count
        if start == end { clear() }
    }

    /// Drops everything, and gives back memory that a large response took.
    package func clear() {
        start = 0
        end = 0
        if capacity > 16 * idleCapacity {
            base.deallocate()
            capacity = idleCapacity
            base = .allocate(byteCount: capacity, alignment: 16)
        }
    }

    package func append(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress else { return }
        memcpy(room(for: bytes.count), source, bytes.count)
        end &+= bytes.count
    }

    package func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes(append)
    }

    @inline(__always)
    package func append(_ literal: StaticString) {
        let count = literal.utf8CodeUnitCount
        memcpy(room(for: count), literal.utf8Start, count)
        end &+= count
    }

    package func append(_ text: String) {
        text.utf8.span.bytes.withUnsafeBytes(append)
    }

    /// Appends `value`, which is not negative, in digits.
    package func append(decimal value: Int) {
        append(number: UInt(value), base: 10)
    }

    package func append(hex value: Int) {
        append(number: UInt(value), base: 16)
    }

    // MARK: Helpers

    private func append(number value: UInt, base radix: UInt) {
        var count = 1
        var rest = value / radix
        while rest > 0 {
            count &+= 1
            rest /= radix
        }
        let destination = room(for: count).assumingMemoryBound(to: UInt8.self)
        rest = value
        for position in stride(from: count &- 1, through: 0, by: -1) {
            let digit = UInt8(truncatingIfNeeded: rest % radix)
            destination[position] = digit < 10 ? 0x30 &+ digit : 0x57 &+ digit
            rest /= radix
        }
        end &+= count
    }

    @inline(__always)
    private func room(for count: Int) -> UnsafeMutableRawPointer {
        if end &+ count > capacity { makeRoom(for: count) }
        return base + end
    }

    private func makeRoom(for count: Int) {
        let held = self.count
        if held + count <= capacity {
            memmove(base, base + start, held)
        } else {
            capacity = max(capacity * 2, held + count)
            let larger = UnsafeMutableRawPointer.allocate(byteCount: capacity, alignment: 16)
            memcpy(larger, base + start, held)
            base.deallocate()
            base = larger
        }
        start = 0
        end = held
    }
}
